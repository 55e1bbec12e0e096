"""Batch normalization in Keras: by the backend's fused kernel, and the statistics that belong to what is served."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

# Of the running mean and variance of what a batch normalization sees.
MOMENTUM = 0.97


@keras.saving.register_keras_serializable("emotune")
class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization that trains with the backend's one fused kernel.

    Keras composes the layer of several elementwise operations; on a CPU in bfloat16 the fused kernel made the whole
    training step 1.5 times faster. Inference and other backends use Keras' own code.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        backend = keras.backend.backend()
        if not training or backend not in ("tensorflow", "torch"):
            return super().call(inputs, training=training, mask=mask)
        return self._fused_tensorflow(inputs) if backend == "tensorflow" else self._fused_torch(inputs)

    def _fused_tensorflow(self, inputs: Any) -> Any:
        import tensorflow as tf

        scale, offset = tf.cast(self.gamma.value, tf.float32), tf.cast(self.beta.value, tf.float32)
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1 - self.momentum))
        return normalized

    def _fused_torch(self, inputs: Any) -> Any:
        import torch

        mean, variance = self.moving_mean.value, self.moving_variance.value
        scale, offset = self.gamma.value.float(), self.beta.value.float()
        normalized = torch.nn.functional.batch_norm(
            inputs.permute(0, 3, 1, 2), mean, variance, scale, offset, True, 1 - self.momentum, self.epsilon
        )
        return normalized.permute(0, 2, 3, 1)


def renew_statistics(network: keras.Model, batches: Iterable[npt.NDArray[np.float32]]) -> None:
    """Give the normalizations the mean and variance of what batches of (n, 48, 48, 1) pictures in 0..1 cause in them.

    Those of a training belong to the weights on their way and to pictures mixed in pairs; what is served is an average
    of the weights, and sees pictures as they are (Izmailov et al. 2018, stochastic weight averaging).
    """
    normalizations = [layer for layer in network.layers if isinstance(layer, FusedBatchNormalization)]
    moving = [weight for layer in normalizations for weight in (layer.moving_mean, layer.moving_variance)]
    for layer in normalizations:
        layer.momentum = 0.0  # after a step its statistics are that batch's
    step, seen = _step(network), list[list[npt.NDArray[np.float32]]]()
    for faces in batches if normalizations else ():
        step(faces)
        seen.append([keras.ops.convert_to_numpy(weight.value) for weight in moving])
    for weight, values in zip(moving, zip(*seen, strict=True), strict=True) if seen else ():
        weight.assign(np.mean(values, axis=0))
    for layer in normalizations:
        layer.momentum = MOMENTUM


def _step(network: keras.Model) -> Callable[[npt.NDArray[np.float32]], Any]:
    """Return what shows a network a batch as in training; on JAX it is compiled, for its parts take as long each."""
    if keras.backend.backend() != "jax":
        return partial(network, training=True)
    import jax

    changing = network.non_trainable_variables
    passed = jax.jit(partial(network.stateless_call, training=True))

    def step(faces: npt.NDArray[np.float32]) -> None:
        fixed = [weight.value for weight in network.trainable_variables]
        _, changed = passed(fixed, [weight.value for weight in changing], faces)
        for weight, value in zip(changing, changed, strict=True):
            weight.assign(value)

    return step
