"""How each emotion plays: progressions, instruments, rhythms and manners that the rules of a plan leave open."""

from dataclasses import dataclass

# Degrees of the mode on which a bar's chord stands, four bars long; which one a piece takes is drawn.
PROGRESSIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "locrian": ((0, 1, 0, 4), (0, 3, 1, 5), (0, 4, 5, 1)),
    "phrygian": ((0, 1, 0, 6), (0, 5, 1, 0), (0, 1, 2, 1), (0, 3, 1, 6)),
    "minor": ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 3), (0, 2, 3, 5)),
    "dorian": ((0, 3, 0, 6), (0, 6, 3, 0), (0, 2, 3, 6), (0, 4, 3, 1)),
    "mixolydian": ((0, 6, 3, 0), (0, 3, 6, 3), (0, 4, 3, 6), (0, 1, 3, 6)),
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 2, 3, 4)),
    "lydian": ((0, 1, 5, 4), (0, 4, 1, 5), (0, 1, 2, 4), (0, 5, 1, 4)),
}


@dataclass(frozen=True)
class Idiom:
    """How an emotion plays: what a musician would choose beyond tempo, mode, loudness and register.

    `pulses` are the lengths in beats of a bar's pulses (a limping bar has unequal ones), `leap` and `drift` the
    spread and the direction of melody steps in degrees, `legato` how much of the way to the next note a note sounds,
    `shift` semitones added to the register, `rub` the interval of a chord's dissonant note, `sour` whether melody
    notes slip by a semitone, `push` how much accents stand out, `breaks` whether all but the chord
    instrument fall silent in every fourth bar, `room` how much reverberation there is.
    """

    figure: str
    lead: str
    chords: str
    bass: str
    drums: str
    pulses: tuple[float, ...] = (1, 1, 1, 1)
    leap: float = 1.5
    drift: float = 0.0
    legato: float = 0.9
    shift: int = 0
    rub: int = 2
    sour: bool = False
    push: float = 0.2
    breaks: bool = False
    room: float = 0.3


IDIOMS: dict[str, Idiom] = {
    "angry": Idiom(
        "chug", "growl", "muted", "growl", "drive", leap=1.0, legato=0.7, shift=-12, rub=1, push=0.4, room=0.1
    ),
    "disgust": Idiom(
        "lurch", "reed", "murk", "tuba", "thud", pulses=(1, 1, 1.5), leap=2.5, shift=-17, rub=1, sour=True, room=0.2
    ),
    "fear": Idiom("shiver", "glass", "shiver", "drone", "heart", leap=1.2, shift=5, rub=1, sour=True, room=0.9),
    "happy": Idiom("bounce", "marimba", "keys", "bass", "light", leap=1.8, drift=0.2, legato=0.6, shift=2, room=0.25),
    "sad": Idiom("broken", "cello", "piano", "drone", "", leap=1.0, drift=-0.5, legato=1.0, shift=-9, room=0.7),
    "surprise": Idiom(
        "stab", "bell", "brass", "bass", "burst", leap=4.0, legato=0.5, shift=8, push=0.5, breaks=True, room=0.4
    ),
    "neutral": Idiom("even", "", "keys", "drone", "", shift=-4, push=0.0, room=0.3),
}

# What sounds on the pulses of a bar: (pulse, part of it, instrument, velocity).
DRUMS: dict[str, tuple[tuple[int, float, str, float], ...]] = {
    "": (),
    "drive": (
        (0, 0, "kick", 1.0), (1, 0, "snare", 0.9), (1, 0.5, "kick", 0.7), (2, 0, "kick", 1.0), (3, 0, "snare", 0.9),
        *((pulse, part, "hat", 0.5) for pulse in range(4) for part in (0, 0.5)),
    ),
    "light": (
        (0, 0, "kick", 0.7), (2, 0, "kick", 0.7), (1, 0, "clap", 0.5), (3, 0, "clap", 0.5),
        *((pulse, part, "hat", 0.2 + 0.2 * part) for pulse in range(4) for part in (0, 0.5)),
    ),
    "heart": ((0, 0, "kick", 0.75), (0, 0.4, "kick", 0.5), (2, 0, "kick", 0.75), (2, 0.4, "kick", 0.5)),
    "thud": ((0, 0, "kick", 0.7), (2, 0.34, "clap", 0.25)),
    "burst": (
        (0, 0, "kick", 1.0), (1, 0.5, "clap", 0.8), (2, 0.75, "kick", 0.8), (3, 0, "snare", 0.7),
        *((3, part, "snare", 0.4 + 0.4 * part) for part in (0.25, 0.5, 0.75)),
    ),
}  # fmt: skip
