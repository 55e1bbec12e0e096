"""The random changes of `augmentation.py` in Keras' operations, so that an accelerator makes them within its step."""

import math
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import ops


class Augmentation(keras.layers.Layer):  # type: ignore[misc]
    """Change faces (n, h, w, 1) with values in 0..1 as `augmentation.augment` does, as far and as often.

    What it draws depends on the seed and the epoch alone (see `start_epoch`), but is not what NumPy draws.
    """

    def __init__(self, strength: float, seed: int) -> None:
        super().__init__(dtype="float32")
        self.strength, self.seed = strength, seed
        self.draws = keras.random.SeedGenerator(seed)
        self.built = True

    def start_epoch(self, epoch: int) -> None:
        """Begin to draw what belongs to an epoch."""
        first = np.random.default_rng((self.seed, epoch)).integers(2**31, size=2)
        self.draws.state.assign(first.astype(self.draws.state.dtype))

    def call(self, faces: Any) -> Any:
        return self.erased(self.softened(self.relit(self.warped(faces))))

    def warped(self, faces: Any) -> Any:
        """Mirror half of the faces; turn, scale, stretch and shift all. What lies outside repeats the edge."""
        _, height, width, _ = faces.shape
        angle, zoom = self.uniform(faces, math.radians(15 * self.strength)), self.uniform(faces, 0.15 * self.strength)
        scale, stretch = ops.exp(zoom), ops.exp(self.uniform(faces, 0.06))
        across = ops.where(self.chosen(faces, 0.5), -stretch, stretch)
        cos, sin = ops.cos(angle) / scale, ops.sin(angle) / scale
        dx, dy = (self.uniform(faces, 0.08 * self.strength * width) for _ in range(2))
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        rows = []
        for x, y, shift, middle in ((across * cos, -across * sin, dx, middle_x), (sin, cos, dy, middle_y)):
            rows += [x, y, shift + middle - x * middle_x - y * middle_y]
        nothing = ops.zeros_like(dx)
        transforms = ops.reshape(ops.stack([*rows, nothing, nothing], axis=1), (-1, 8))
        return ops.image.affine_transform(faces, transforms, fill_mode="nearest", data_format="channels_last")

    def relit(self, faces: Any) -> Any:
        """Change contrast, brightness and gamma, and lay a linear shade over half of the faces."""
        _, height, width, _ = faces.shape
        contrast, gamma = (ops.exp(self.uniform(faces, bound * self.strength)) for bound in (0.4, 0.35))
        mean = ops.mean(faces, axis=(1, 2), keepdims=True)
        lit = (faces - mean) * contrast + mean + self.uniform(faces, 0.15 * self.strength)
        angle, depth = self.uniform(faces, math.pi), self.uniform(faces, 0.25 * self.strength, 0.0)
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, None, :, None]
        y = np.linspace(-1, 1, height, dtype=np.float32)[None, :, None, None]
        shade = ops.where(self.chosen(faces, 0.5), depth, 0.0) * (ops.cos(angle) * x + ops.sin(angle) * y)
        return ops.clip(lit + shade, 0, 1) ** gamma

    def softened(self, faces: Any) -> Any:
        """Blur a share of the faces with a 3 x 3 box, and add sensor noise to another share."""
        padded = ops.pad(faces, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        blurred = ops.average_pool(padded, 3, strides=1, data_format="channels_last")
        faces = ops.where(self.chosen(faces, 0.15 * self.strength), blurred, faces)
        noise = keras.random.normal(ops.shape(faces), stddev=0.025, seed=self.draws)
        return ops.clip(faces + ops.where(self.chosen(faces, 0.15 * self.strength), noise, 0.0), 0, 1)

    def erased(self, faces: Any) -> Any:
        """Cover a rectangle of up to a quarter of the picture in a share of the faces."""
        _, height, width, _ = faces.shape
        covered = self.chosen(faces, 0.3 * self.strength)
        for size, axis in ((height, 1), (width, 2)):
            extent = ops.floor(self.uniform(faces, 0.5, 0.1) * size)
            first = ops.floor(self.uniform(faces, 1.0, 0.0) * (size - extent + 1))
            place = np.arange(size, dtype=np.float32).reshape([-1 if i == axis else 1 for i in range(4)])
            covered = ops.logical_and(covered, ops.logical_and(place >= first, place < first + extent))
        return ops.where(covered, self.uniform(faces, 1.0, 0.0), faces)

    def uniform(self, faces: Any, high: float, low: float | None = None) -> Any:
        """Draw one number for each face, (n, 1, 1, 1), from -high or `low` to high."""
        low = -high if low is None else low
        return keras.random.uniform((ops.shape(faces)[0], 1, 1, 1), low, high, seed=self.draws)

    def chosen(self, faces: Any, share: float) -> Any:
        """Draw for each face whether it is one of so large a share, (n, 1, 1, 1)."""
        return self.uniform(faces, 1.0, 0.0) < share
