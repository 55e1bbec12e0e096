"""Training on an accelerator: within its step pictures are changed, and teachers asked about the very view shown."""

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
from keras import ops

from detection.vision.augmentation_layer import Augmentation
from detection.vision.card import HEADS
from detection.vision.recipe import Recipe


class Classroom(keras.Model):  # type: ignore[misc]
    """A network in training, with what changes its pictures and the teachers that see them so.

    It takes faces (n, 48, 48, 1) as they are, in 0..1, with their own targets and weights by head (batches.py). With as
    long a training as a small network's learning from large ones takes, answers to the very view teach more than a mean
    over views (Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
    Asked outside of a training, it answers as the network alone.
    """

    def __init__(self, network: keras.Model, teachers: Sequence[keras.Model], recipe: Recipe) -> None:
        super().__init__()
        self.network, self.teachers, self.recipe = network, list(teachers), recipe
        for teacher in self.teachers:
            teacher.trainable = False
        self.augmentation = Augmentation(recipe.augmentation, recipe.seed)
        self.built = True

    def start_epoch(self, epoch: int) -> None:
        """Begin to draw what belongs to an epoch."""
        self.augmentation.start_epoch(epoch)

    def call(self, faces: Any, training: bool = False) -> dict[str, Any]:
        if not training:
            return dict(self.network(faces, training=False))
        seen, share = self.mixed(self.augmentation(faces))
        logits = self.network(seen, training=True)
        answers = [teacher(seen, training=False) for teacher in self.teachers]
        said = {head: sum(ops.softmax(answer[head]) for answer in answers) / len(answers) for head in HEADS if answers}
        return {"logits": logits, "said": said, "share": share}

    def mixed(self, faces: Any) -> tuple[Any, Any]:
        """Lay over each face the one before it in the batch; return also the share that is left of it, (n, 1)."""
        count = ops.shape(faces)[0]
        if not self.recipe.mixup:
            return faces, ops.ones((count, 1))
        share = keras.random.beta((count, 1), self.recipe.mixup, self.recipe.mixup, seed=self.augmentation.draws)
        share = ops.maximum(share, 1 - share)
        of_face = ops.reshape(share, (-1, 1, 1, 1))
        return of_face * faces + (1 - of_face) * ops.roll(faces, 1, axis=0), share

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Return the mean over the heads, by their shares, of the cross-entropies with what is known and taught."""
        shares = self.recipe.heads
        return sum(share * self._loss(head, y[head], sample_weight[head], y_pred) for head, share in shares.items())

    def _loss(self, head: str, own: Any, weights: Any, shown: dict[str, Any]) -> Any:
        first = shown["share"] * ops.reshape(weights, (-1, 1))
        second = (1 - shown["share"]) * ops.roll(ops.reshape(weights, (-1, 1)), 1, axis=0)
        weight = first + second
        target = (first * own + second * ops.roll(own, 1, axis=0)) / ops.maximum(weight, 1e-6)
        if self.teachers:
            # a picture without votes learns what the crowd says from the teachers alone
            taught = (1 - self.recipe.teacher) * target + self.recipe.teacher * shown["said"][head]
            target = ops.where(weight > 0, taught, shown["said"][head])
            weight = ops.maximum(weight, 1.0)
        losses = ops.categorical_crossentropy(target, shown["logits"][head], from_logits=True)
        return ops.mean(losses * ops.squeeze(weight, 1))
