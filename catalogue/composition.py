"""Writing a piece of the demonstration as notes: chords, melody, bass and percussion, by rule and seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from catalogue.demo import MODES, Piece, Plan, plan_for
from catalogue.idioms import DRUMS, IDIOMS, PROGRESSIONS, Idiom

MUSIC_SECONDS = 22.0
# Silence before the first note, which players cut off when they start late, and time for the last to die away.
LEAD_IN, LEAD_OUT = 0.05, 2.0


@dataclass(frozen=True)
class Note:
    """One tone: start and duration in seconds, MIDI pitch, velocity from 0 to 1 and the voice that plays it."""

    start: float
    duration: float
    pitch: float
    velocity: float
    voice: str


@dataclass(frozen=True)
class Score:
    """A piece on paper; `level` is its loudness (RMS, dBFS) and `room` (0 to 1) how much reverberation it gets."""

    notes: tuple[Note, ...]
    seconds: float
    level: float
    room: float


@dataclass(frozen=True)
class Bar:
    """One bar while it is written: its pulses as (start, length) in beats, its chord's degree and pitches, its place.

    In a break (`is_break`) the chord instrument is alone.
    """

    pulses: tuple[tuple[float, float], ...]
    degree: int
    chord: tuple[float, ...]
    index: int
    is_last: bool
    is_break: bool

    @property
    def start(self) -> float:
        return self.pulses[0][0]

    @property
    def end(self) -> float:
        return self.pulses[-1][0] + self.pulses[-1][1]


# (start and duration in beats, pitch, velocity, voice)
Event = tuple[float, float, float, float, str]


def compose(piece: Piece) -> Score:
    """Write the score of a piece; the same piece gives the same score.

    The length is the even number of bars nearest to `MUSIC_SECONDS`, and the last chord's time to die away.
    """
    plan, idiom = plan_for(piece.point), IDIOMS[piece.emotion]
    rng = np.random.default_rng(piece.seed)
    beat = 60 / plan.bpm
    bars = lay_out(plan, idiom, piece.tonic, rng)
    lead = melody(bars, plan, idiom, piece.tonic, rng) if idiom.lead else []
    chords = [event for bar in bars for event in accompaniment(bar, idiom, rng)]
    events = [*lead, *chords, *bass_line(bars, plan, idiom), *percussion(bars, plan, idiom)]
    # Nobody plays on the millisecond; even music does.
    jitter = 0.008 * (idiom.push > 0) * rng.random(len(events))
    notes = (
        Note(float(LEAD_IN + start * beat + late), duration * beat, pitch, float(np.clip(velocity, 0.05, 1)), voice)
        for (start, duration, pitch, velocity, voice), late in zip(events, jitter, strict=True)
    )
    ordered = tuple(sorted(notes, key=lambda note: (note.start, note.voice, note.pitch)))
    return Score(ordered, LEAD_IN + bars[-1].end * beat + LEAD_OUT, plan.level, idiom.room)


def lay_out(plan: Plan, idiom: Idiom, tonic: int, rng: np.random.Generator) -> list[Bar]:
    """Return the bars with their chords: a drawn progression, around and around, that comes home in the last bar."""
    length = sum(idiom.pulses)
    count = 2 * max(2, round(MUSIC_SECONDS * plan.bpm / 60 / length / 2))
    progression = PROGRESSIONS[plan.mode][rng.integers(len(PROGRESSIONS[plan.mode]))]
    bars: list[Bar] = []
    centre = plan.centre + idiom.shift - 9
    for index in range(count):
        is_last = index == count - 1
        degree = 0 if is_last else progression[index % 4]
        starts = index * length + np.concatenate([[0.0], np.cumsum(idiom.pulses)[:-1]])
        chord = voicing(degree, plan, tonic, centre)
        if not is_last and rng.random() < plan.tension:
            chord = (*chord, chord[0] + idiom.rub)
        pulses = tuple((float(start), float(width)) for start, width in zip(starts, idiom.pulses, strict=True))
        is_break = idiom.breaks and index % 4 == 3 and not is_last
        bars.append(Bar(pulses, degree, chord, index, is_last, is_break))
    return bars


def scale_pitch(degree: int, mode: str, tonic: int, near: float) -> float:
    """Return the MIDI pitch of a mode's degree (any whole number; 7 is the octave) with its tonic closest to `near`."""
    base = tonic + 12 * round((near - tonic) / 12)
    return float(base + 12 * (degree // 7) + MODES[mode][degree % 7])


def voicing(degree: int, plan: Plan, tonic: int, centre: float) -> tuple[float, ...]:
    """Return a triad on a degree, root first, its third and fifth laid within the octave around `centre`."""
    root, third, fifth = (scale_pitch(degree + step, plan.mode, tonic, centre) for step in (0, 2, 4))
    return tuple(pitch - 12 * round((pitch - centre) / 12) for pitch in (root, third, fifth))


def onset_chance(position: float, starts: tuple[float, ...], density: float) -> float:
    """Return how likely a note begins at a position (in beats): pulses first, then eighths, then sixteenths."""
    if position in starts:
        return 0.6 + 0.4 * density
    if position % 0.5 == 0:
        return 0.8 * density
    return max(0.0, 0.9 * (density - 0.5))


def motif(plan: Plan, idiom: Idiom, rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """Draw one bar's figure: (position and length in beats, steps above the chord's root), at home on the pulses."""
    length = sum(idiom.pulses)
    starts = tuple(float(start) for start in np.cumsum((0, *idiom.pulses))[:-1])
    grid = [float(position) for position in np.arange(0, length, 0.25)]
    draws, steps = rng.random(len(grid)), rng.normal(idiom.drift, idiom.leap, len(grid))
    onsets = [i for i, position in enumerate(grid) if draws[i] < onset_chance(position, starts, plan.density)] or [0]
    figure, height = [], float(rng.choice([0, 2, 4]))
    for place, i in enumerate(onsets):
        until = grid[onsets[place + 1]] if place + 1 < len(onsets) else length
        height += steps[i]
        # Turn back at the edges of a tenth or so, where a voice would.
        height = 14 - height if height > 7 else -6 - height if height < -3 else height
        height = min(max(height, -3.0), 7.0)
        nearest = min((-3, 0, 2, 4, 7), key=lambda tone: abs(tone - height)) if grid[i] in starts else round(height)
        figure.append((grid[i], until - grid[i], int(nearest)))
    return figure


def melody(bars: list[Bar], plan: Plan, idiom: Idiom, tonic: int, rng: np.random.Generator) -> list[Event]:
    """Return the lead voice: two motifs in the order A A B A, moved along with the chords, and a long last note."""
    motifs = [motif(plan, idiom, rng) for _ in range(2)]
    near = plan.centre + idiom.shift
    events: list[Event] = []
    for bar in bars:
        if bar.is_last:
            events.append((bar.start, bar.end - bar.start, scale_pitch(0, plan.mode, tonic, near), 0.8, idiom.lead))
            continue
        if bar.is_break:
            continue
        root = bar.degree if bar.degree < 4 else bar.degree - 7
        starts = {start for start, _ in bar.pulses}
        for position, length, height in motifs[bar.index % 4 == 2]:
            pitch = scale_pitch(root + height, plan.mode, tonic, near)
            on_pulse = bar.start + position in starts
            if idiom.sour and not on_pulse and rng.random() < plan.tension:
                pitch += 1
            velocity = 0.75 + idiom.push * (0.5 if on_pulse else -0.5) + rng.normal(0, 0.04)
            events.append((bar.start + position, max(0.2, length * idiom.legato), pitch, velocity, idiom.lead))
    return events


def accompaniment(bar: Bar, idiom: Idiom, rng: np.random.Generator) -> list[Event]:
    """Return the chord instrument's bar in the idiom's figure; the last bar is the chord alone."""
    if bar.is_last:
        return [(bar.start, bar.end - bar.start, pitch, 0.4, idiom.chords) for pitch in bar.chord]
    return [(*event, idiom.chords) for event in FIGURES[idiom.figure](bar, idiom, rng)]


Figure = list[tuple[float, float, float, float]]


def chug(bar: Bar, idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """Power chords in eighths, cut short, with the dissonant note as an accent at the end of the bar."""
    root = bar.chord[0]
    hits = np.arange(bar.start, bar.end, 0.5)
    power = [
        (start, 0.3 if i % 4 else 0.45, (root, root + 7), 0.55 + idiom.push * (i % 4 == 0))
        for i, start in enumerate(hits)
    ]
    crush = [(float(bar.end - 0.5), 0.45, root + idiom.rub, 0.6)] if len(bar.chord) > 3 else []
    return [(float(start), width, pitch, force) for start, width, both, force in power for pitch in both] + crush


def lurch(bar: Bar, idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """The whole cluster on the first pulse, half of it again on the long one."""
    (first, width), (last, long) = bar.pulses[0], bar.pulses[-1]
    cluster = [(first, 1.6 * width, pitch, 0.6) for pitch in bar.chord]
    return cluster + [(last, 0.5 * long, pitch - 1, 0.45 + idiom.push) for pitch in bar.chord[-2:]]


def shiver(bar: Bar, _idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """The chord held and trembling; every other bar it creeps up by a semitone half-way."""
    half = (bar.end - bar.start) / 2
    if bar.index % 2 == 0:
        return [(bar.start, 2 * half, pitch, 0.5) for pitch in bar.chord]
    creep = [(bar.start + half, half, pitch + 1, 0.62) for pitch in bar.chord]
    return [(bar.start, half, pitch, 0.5) for pitch in bar.chord] + creep


def bounce(bar: Bar, _idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """The chord between the pulses."""
    return [(start + width / 2, 0.3, pitch, 0.55) for start, width in bar.pulses for pitch in bar.chord]


def broken(bar: Bar, _idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """The chord opened from below, a note on each pulse, and left to ring."""
    rising = sorted(bar.chord)
    rising.insert(0, bar.chord[0] - 12)
    return [
        (start, bar.end - start, rising[i % len(rising)], 0.6 - 0.06 * i) for i, (start, _) in enumerate(bar.pulses)
    ]


def stab(bar: Bar, idiom: Idiom, rng: np.random.Generator) -> Figure:
    """Two sudden chords at places that nobody expects; in a break a run rushes upwards instead."""
    if bar.is_break:
        run = np.arange(bar.end - 1.5, bar.end, 0.25)
        ladder = sorted((*bar.chord, *(pitch + 12 for pitch in bar.chord)))
        return [(float(start), 0.3, ladder[i % len(ladder)], 0.45 + 0.09 * i) for i, start in enumerate(run)]
    places = rng.choice(np.arange(bar.start, bar.end, 0.5), size=2, replace=False)
    return [
        (float(place), 0.35, pitch, 0.5 + idiom.push) for place in places for pitch in (*bar.chord, bar.chord[0] + 12)
    ]


def even(bar: Bar, _idiom: Idiom, _rng: np.random.Generator) -> Figure:
    """An arpeggio in eighths, up and down, every note as strong as the next."""
    low = sorted(bar.chord)
    high = [low[0] + 12, low[1] + 12] if len(low) == 3 else low[::-1][:1]
    cycle = (*low, *high, *(low[0] + 12, *low[:0:-1])[-3:])
    return [
        (float(start), 1.0, cycle[i % len(cycle)], 0.6) for i, start in enumerate(np.arange(bar.start, bar.end, 0.5))
    ]


FIGURES: dict[str, Callable[[Bar, Idiom, np.random.Generator], Figure]] = {
    "chug": chug, "lurch": lurch, "shiver": shiver, "bounce": bounce, "broken": broken, "stab": stab, "even": even,
}  # fmt: skip


def bass_line(bars: list[Bar], plan: Plan, idiom: Idiom) -> list[Event]:
    """Return the bass: the chord's root, once a bar when calm, on every pulse when aroused."""
    every = 4 if plan.density < 0.35 else 2 if plan.density < 0.6 else 1
    floor = plan.centre - 34
    events: list[Event] = []
    for bar in bars:
        if bar.is_break:
            continue
        root = bar.chord[0] - 12 * round((bar.chord[0] - floor) / 12)
        hits = bar.pulses[:1] if bar.is_last else bar.pulses[::every]
        for place, (start, _) in enumerate(hits):
            until = hits[place + 1][0] if place + 1 < len(hits) else bar.end
            fifth = 7 if idiom.figure == "bounce" and place % 2 else 0
            events.append((start, 0.9 * (until - start), root + fifth, 0.35 + 0.5 * plan.weight, idiom.bass))
    return events


def percussion(bars: list[Bar], plan: Plan, idiom: Idiom) -> list[Event]:
    """Return the drums, the louder the more aroused a piece is; the last bar has its first stroke alone."""
    force = min(1.0, 0.3 + plan.density)
    events: list[Event] = []
    for bar in bars:
        if bar.is_break:
            continue
        for pulse, part, voice, velocity in DRUMS[idiom.drums]:
            start, width = bar.pulses[pulse]
            if not bar.is_last or (pulse, part) == (0, 0):
                events.append((start + part * width, 0.25, 0.0, force * velocity, voice))
    return events
