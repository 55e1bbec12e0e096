"""The settings of a training of the emotion network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The settings of one training run. The published weights were made by ten, whose commands are in docs/models.md.

    `label_votes` is the share of FER+'s votes in the target of the `labels` head, whose rest is FER2013's own label.
    `held_out` is the share of the training pictures kept for temperature, threshold and choosing. `average` is the
    momentum of the exponential average of the weights, which is what a training ends with. `rare` bounds how much more
    a picture of a rare emotion counts for the `labels` head than one of a common emotion. `teacher` is the share of the
    teachers' probabilities in the targets of both heads, where there are teachers. `mixup` is the parameter of the Beta
    distribution by which two pictures of a batch are mixed with their targets (Zhang et al. 2018); 0 mixes none.
    `floor` is where the learning rate ends, as a share of its highest: a training that goes on moving to the end, whose
    average is then of many different weights, ends in the middle of them (Izmailov et al. 2018).
    `augmentation` is how far and how often pictures are changed at random; a last training with less of it ends nearer
    to faces as they are. `on_device` is whether pictures are changed and teachers asked within the step, as suits an
    accelerator (classroom.py), instead of beforehand on the processor. `crowd` is the share of the `crowd` head in the
    loss.
    """

    epochs: int = 40
    batch: int = 96
    rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.06
    floor: float = 1e-3
    label_votes: float = 0.25
    smoothing: float = 0.05
    held_out: float = 0.05
    average: float = 0.999
    rare: float = 3.0
    teacher: float = 0.5
    mixup: float = 0.0
    augmentation: float = 1.0
    seed: int = 7
    mixed_precision: bool = True
    on_device: bool = False
    crowd: float = 0.5

    @property
    def heads(self) -> dict[str, float]:
        """The share of each head in the loss."""
        return {"labels": 1 - self.crowd, "crowd": self.crowd}
