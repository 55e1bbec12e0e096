"""What one training shows the network: augmented batches, targets and weights, all drawn by the recipe's seed."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt

from detection.vision.augmentation import augment
from detection.vision.card import HEADS
from detection.vision.data import Split, remembered
from detection.vision.recipe import Recipe
from emotune.emotions import EMOTIONS

# So many batches are made before they are asked for. TensorFlow asks ahead of itself, and a thread more made a training
# no faster there; on JAX and PyTorch, Keras asks for a batch when it needs it.
AHEAD = 0 if keras.backend.backend() == "tensorflow" else 4
# Rows of shares of the seven emotions (n, 7), or of weights (n,), by head.
ByHead = dict[str, npt.NDArray[np.float32]]
# Faces (n, 48, 48, 1) with their targets and weights.
Batch = tuple[npt.NDArray[np.float32], ByHead, ByHead]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of augmented faces, decoded in the background; what epoch e shows depends on the seed and e alone.

    With `on_device` the faces are as they are: the training changes and mixes them (classroom.py).
    """

    def __init__(self, split: Split, recipe: Recipe, lesson: ByHead | None = None) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(1, "batches")
        self._made: dict[int, Future[Batch]] = {}
        self.split, self.recipe, self.epoch = remembered(split), recipe, 0
        own = make_targets(split, recipe)
        self.targets = taught(own, lesson, recipe.teacher) if lesson else own
        self.weights = make_weights(split, self.targets, recipe)
        self.order = np.arange(len(split))

    def __len__(self) -> int:
        return len(self.split) // self.recipe.batch

    def start_epoch(self, epoch: int) -> None:
        for made in self._made.values():
            made.cancel()
        wait(self._made.values())
        self._made.clear()
        self.epoch = epoch
        self.order = np.random.default_rng((self.recipe.seed, epoch)).permutation(len(self.split))

    def __getitem__(self, index: int) -> Batch:
        if not AHEAD:
            return self._batch(index)
        for ahead in range(index, min(index + 1 + AHEAD, len(self))):
            if ahead not in self._made:
                self._made[ahead] = self._thread.submit(self._batch, ahead)
        return self._made.pop(index).result()

    def _batch(self, index: int) -> Batch:
        chosen = self._chosen(index)
        targets = {head: self.targets[head][chosen] for head in HEADS}
        weights = {head: self.weights[head][chosen] for head in HEADS}
        if self.recipe.on_device:
            return self._faces(chosen)[..., None], targets, weights
        faces, rng = self._changed(chosen, index)
        if self.recipe.mixup:
            faces, targets, weights = mix(faces, targets, weights, self.recipe.mixup, rng)
        return faces[..., None], targets, weights

    def unmixed(self, count: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the pictures (n, 48, 48, 1) of the first `count` batches of this epoch, none mixed with another."""
        for index in range(min(count, len(self))):
            yield self._changed(self._chosen(index), index)[0][..., None]

    def _chosen(self, index: int) -> npt.NDArray[np.int64]:
        return self.order[index * self.recipe.batch : (index + 1) * self.recipe.batch]

    def _faces(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        faces: npt.NDArray[np.float32] = np.divide(self.split.pictures(chosen), 255, dtype=np.float32)
        return faces

    def _changed(
        self, chosen: npt.NDArray[np.int64], index: int
    ) -> tuple[npt.NDArray[np.float32], np.random.Generator]:
        rng = np.random.default_rng((self.recipe.seed, self.epoch, index))
        return augment(self._faces(chosen), rng, self.recipe.augmentation), rng


def make_targets(split: Split, recipe: Recipe) -> ByHead:
    """Return (n, 7) target shares by head; a row of zeros in `crowd` means that FER+ has no vote for the picture."""
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    voted = np.isfinite(split.votes).all(axis=1, keepdims=True)
    votes = np.where(voted, split.votes, one_hot)
    labels = (1 - recipe.label_votes) * one_hot + recipe.label_votes * votes
    labels = (1 - recipe.smoothing) * labels + recipe.smoothing / len(EMOTIONS)
    return {"labels": labels.astype(np.float32), "crowd": np.where(voted, votes, 0).astype(np.float32)}


def taught(own: ByHead, lesson: ByHead, share: float) -> ByHead:
    """Mix targets with what teachers say, which has `share`; a picture without votes learns `crowd` from them alone."""
    voted = own["crowd"].sum(axis=1, keepdims=True) > 0
    labels = (1 - share) * own["labels"] + share * lesson["labels"]
    crowd = np.where(voted, (1 - share) * own["crowd"] + share * lesson["crowd"], lesson["crowd"])
    return {"labels": labels.astype(np.float32), "crowd": crowd.astype(np.float32)}


def mix(
    faces: npt.NDArray[np.float32], targets: ByHead, weights: ByHead, beta: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], ByHead, ByHead]:
    """Lay another face of the batch over each, by a share drawn for each, and mix targets and weights by it."""
    other = rng.permutation(len(faces))
    share = rng.beta(beta, beta, len(faces)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    mixed_targets: ByHead = {}
    mixed_weights: ByHead = {}
    for head in HEADS:
        first, second = share * weights[head], (1 - share) * weights[head][other]
        total = first + second
        rows = first[:, None] * targets[head] + second[:, None] * targets[head][other]
        mixed_targets[head] = (rows / np.maximum(total, 1e-6)[:, None]).astype(np.float32)
        mixed_weights[head] = total
    share = share[:, None, None]
    return share * faces + (1 - share) * faces[other], mixed_targets, mixed_weights


def make_weights(split: Split, targets: ByHead, recipe: Recipe) -> ByHead:
    """Return (n,) weights in the loss by head: none without a target, and more for the `labels` of rare emotions.

    An emotion's weight is the square root of how many times rarer than the mean emotion it is, from 1 to `rare`.
    """
    counts = np.bincount(split.labels, minlength=len(EMOTIONS))
    rarity = np.clip(np.sqrt(counts.mean() / np.maximum(counts, 1)), 1, max(1, recipe.rare))
    seen = {head: (targets[head].sum(axis=1) > 0).astype(np.float32) for head in HEADS}
    return {**seen, "labels": (seen["labels"] * rarity[split.labels]).astype(np.float32)}
