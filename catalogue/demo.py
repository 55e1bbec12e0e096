"""The demonstration's pieces: where each lies in valence-arousal-dominance space and what that means for its music."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotune.emotions import ANCHORS, EMOTIONS

PIECES_PER_EMOTION = 16
# Part of every file's name: a file of an earlier generator is made anew, one of this generator is kept.
GENERATOR = 1

# From dark to bright: the semitones of each degree above the tonic.
MODES: dict[str, tuple[int, ...]] = {
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
MODE_LIMITS = (1.7, 2.3, 3.4, 4.4, 7.0, 8.2)
TONICS = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


@dataclass(frozen=True)
class Plan:
    """What a place in the space means for the music.

    `density` (0 to 1) is how readily a position in the bar is filled with a note, `tension` (0 to 1) how readily a
    chord gets a dissonant note, `level` the loudness as RMS in dB below full scale, `centre` the MIDI pitch around
    which the melody moves, `weight` (0 to 1) how much the bass counts.
    """

    bpm: int
    density: float
    mode: str
    tension: float
    level: float
    centre: float
    weight: float


@dataclass(frozen=True)
class Piece:
    """One piece to be generated: the emotion it is for, its point (V, A, D on the 1-9 scale) and its seed."""

    emotion: str
    number: int
    point: tuple[float, float, float]
    distance: float
    seed: int
    tonic: int

    @property
    def name(self) -> str:
        return f"{self.emotion}-{self.number:02d}"

    @property
    def title(self) -> str:
        plan = plan_for(self.point)
        return f"{self.emotion.capitalize()} no. {self.number:02d} ({plan.bpm} bpm, {TONICS[self.tonic]} {plan.mode})"


def plan_for(point: tuple[float, float, float]) -> Plan:
    """Turn a point (V, A, D on the 1-9 scale) into the settings of a piece.

    Tempo and density rise with arousal. The mode brightens and chords grow consonant with valence; arousal that
    outruns dominance (fear, anger) darkens the mode, since tense minor is heard as phrygian rather than aeolian.
    Dominance makes a piece louder, lower and heavier in the bass. The directions are those that listeners agree on
    (Gabrielsson and Lindstroem 2010, "The role of structure in the musical expression of emotions"); the slopes are
    ours.
    """
    valence, arousal, dominance = point
    brightness = valence - 0.35 * max(0.0, arousal - dominance)
    a, d = (arousal - 1) / 8, (dominance - 1) / 8
    return Plan(
        bpm=round(36 + 136 * a),
        density=a,
        mode=tuple(MODES)[int(np.searchsorted(MODE_LIMITS, brightness, side="right"))],
        tension=float(np.clip((5 - valence) / 4, 0, 1)),
        level=-28 + 14 * d,
        centre=79 - 14 * d,
        weight=d,
    )


def pieces() -> tuple[Piece, ...]:
    """Return every piece of the demonstration, always the same: `PIECES_PER_EMOTION` for each emotion, in order.

    Number 1 lies closest to its emotion's anchor. All lie within 0.45 of the way to the nearest other anchor, so
    that a piece's nearest anchor is always that of the emotion it was made for.
    """
    anchors = np.array(ANCHORS)
    made: list[Piece] = []
    for index, emotion in enumerate(EMOTIONS):
        gaps = np.linalg.norm(anchors - anchors[index], axis=1)
        reach = 0.45 * float(np.min(gaps[gaps > 0]))
        rng = np.random.default_rng([GENERATOR, index])
        tonics = np.concatenate([rng.permutation(12) for _ in range(1 + PIECES_PER_EMOTION // 12)])
        for number in range(1, PIECES_PER_EMOTION + 1):
            point = scatter(anchors[index], reach * number / PIECES_PER_EMOTION, rng)
            made.append(
                Piece(
                    emotion=emotion,
                    number=number,
                    point=(float(point[0]), float(point[1]), float(point[2])),
                    distance=float(np.linalg.norm(point - anchors[index])),
                    seed=1000 * index + number,
                    tonic=int(tonics[number - 1]),
                )
            )
    return tuple(made)


def scatter(anchor: NDArray[np.float64], radius: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a point (3,) at `radius` from `anchor` in a random direction, kept on the 1-9 scale, to 3 decimals."""
    direction = rng.standard_normal(3)
    return np.clip(anchor + radius * direction / np.linalg.norm(direction), 1, 9).round(3)
