"""Playing a score: voices by wavetable and frequency modulation, percussion, a room and a limiter."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from catalogue.composition import Note, Score

SAMPLE_RATE = 22_050
# An MP3 decodes to peaks up to a third higher than what went in; a ceiling at 0.75 leaves room for them.
CEILING = 0.75
KNEE = 0.45
TABLE = 4096
ROOM_SECONDS = 1.8
FADE_IN, FADE_OUT = 0.02, 1.5

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """A timbre: strengths of its harmonics, or (with `ratio`) a carrier whose phase a second oscillator bends.

    Times in seconds, rates per second. `fade` lets the harmonics above the second die faster than the rest, `ring` is
    how long a note sounds on after its end, `vibrato` and `detune` are in cents, `bend` is by how many semitones a note
    starts too low, `tremble` is a tremolo's rate, `drive` how hard the voice is overdriven.
    """

    harmonics: tuple[float, ...] = (1.0,)
    attack: float = 0.005
    decay: float = 0.0
    fade: float = 0.0
    ring: float = 0.1
    vibrato: float = 0.0
    detune: float = 0.0
    bend: float = 0.0
    tremble: float = 0.0
    drive: float = 0.0
    ratio: float = 0.0
    index: float = 0.0
    gain: float = 1.0


def saw(count: int, slope: float = 1.0) -> tuple[float, ...]:
    """Return the harmonics of a sawtooth, weaker upwards with the power `slope`."""
    return tuple(k**-slope for k in range(1, count + 1))


VOICES: dict[str, Voice] = {
    "keys": Voice((1, 0.4, 0.2, 0.1, 0.06, 0.04), decay=1.6, fade=5, ring=0.3, gain=0.5),
    "piano": Voice((1, 0.6, 0.4, 0.25, 0.18, 0.12, 0.08, 0.05), decay=0.9, fade=3, ring=0.6, gain=0.7),
    "marimba": Voice((1, 0.05, 0, 0.4, 0, 0, 0, 0, 0.1), attack=0.002, decay=5, fade=22, ring=0.3, gain=0.9),
    "cello": Voice(saw(12, 1.3), attack=0.14, ring=0.35, vibrato=16, detune=3, gain=0.26),
    "shiver": Voice(saw(10), attack=0.4, ring=0.5, vibrato=8, detune=9, tremble=10.5, gain=0.25),
    "growl": Voice(saw(16, 0.7), decay=1.2, fade=1.5, ring=0.06, detune=8, drive=3.5, gain=0.4),
    "muted": Voice(saw(16, 0.7), attack=0.003, decay=6, fade=5, ring=0.06, detune=5, drive=5, gain=0.35),
    "reed": Voice(
        (1, 0.15, 0.75, 0.1, 0.5, 0.1, 0.35, 0, 0.2), attack=0.05, ring=0.12, detune=28, bend=0.7, vibrato=10, gain=0.22
    ),
    "murk": Voice((1, 0.5, 0.35, 0.1, 0.2), attack=0.08, ring=0.3, detune=42, gain=0.16),
    "tuba": Voice((1, 0.8, 0.55, 0.3, 0.15, 0.08), attack=0.05, decay=0.8, ring=0.15, bend=1.0, gain=0.8),
    "bass": Voice((1, 0.6, 0.25, 0.12), decay=1.8, fade=4, ring=0.08, gain=0.8),
    "drone": Voice((1, 0.5, 0.3, 0.12), attack=0.08, decay=0.25, ring=0.5, gain=0.6),
    "brass": Voice(saw(14, 0.9), attack=0.015, decay=2.5, fade=5, ring=0.25, detune=6, gain=0.4),
    "bell": Voice(attack=0.002, decay=3.5, ring=0.6, ratio=3.0, index=1.6, gain=0.6),
    "glass": Voice(attack=0.02, decay=1.6, ring=1.2, vibrato=14, ratio=2.76, index=0.9, gain=0.5),
}


def synthesize(score: Score) -> Signal:
    """Play a score: float32 (n,), mono at `SAMPLE_RATE`, within `CEILING`, with silence at both ends.

    The RMS lies within half a decibel of the score's level unless the limiter has to hold it down.
    """
    length = int(score.seconds * SAMPLE_RATE)
    # The slack takes the notes that ring past the end.
    mix = np.zeros(length + 3 * SAMPLE_RATE, dtype=np.float32)
    played: dict[tuple[str, float, int], Signal] = {}
    for note in score.notes:
        key = (note.voice, note.pitch, int(note.duration * SAMPLE_RATE))
        if key not in played:
            played[key] = sound(note)
        wave = played[key]
        start = int(note.start * SAMPLE_RATE)
        stop = min(start + len(wave), len(mix))
        mix[start:stop] += wave[: stop - start] * np.float32(note.velocity)
    return master(mix[:length], score.level, score.room)


def single(values: NDArray[np.floating]) -> Signal:
    """Return values in single precision, which is twice as fast and more than an MP3 holds."""
    return values.astype(np.float32, copy=False)


def times(count: int) -> Signal:
    """Return the times (count,) in seconds of a signal's samples."""
    return single(np.arange(count) / SAMPLE_RATE)


def sound(note: Note) -> Signal:
    """Return a note at full velocity, from its first sample until it has died away."""
    if note.voice in DRUMS:
        return DRUMS[note.voice]()
    voice = VOICES[note.voice]
    count = int((note.duration + voice.ring) * SAMPLE_RATE)
    t = times(count)
    frequency = 440.0 * 2 ** ((note.pitch - 69) / 12)
    phase = cycles(frequency, t, voice)
    wave = modulated(phase, t, voice) if voice.ratio else harmonic(phase, t, frequency, voice)
    if voice.detune:
        wave = wave + harmonic(single(phase * 2 ** (voice.detune / 1200) + 0.37), t, frequency, voice)
    if voice.drive:
        wave = np.tanh(voice.drive * wave)
    if voice.tremble:
        wave = wave * (0.65 + 0.35 * np.sin(2 * np.pi * voice.tremble * t))
    return single(voice.gain * wave * envelope(t, note.duration, voice))


def cycles(frequency: float, t: Signal, voice: Voice) -> Signal:
    """Return the phase (n,) in cycles of a tone of `frequency` hertz, with the voice's bend and vibrato."""
    phase: NDArray[np.floating] = frequency * t
    if voice.bend:
        # The pitch starts low and arrives with a time constant of 60 ms; this is the integral of that.
        phase = phase - frequency * (1 - 2 ** (-voice.bend / 12)) * 0.06 * (1 - np.exp(-t / 0.06))
    if voice.vibrato:
        swing = frequency * (2 ** (voice.vibrato / 1200) - 1) / (2 * np.pi * 5.3)
        phase = phase + swing * np.sin(2 * np.pi * 5.3 * t) * np.minimum(t / 0.4, 1)
    return single(phase)


def harmonic(phase: Signal, t: Signal, frequency: float, voice: Voice) -> Signal:
    """Return the voice's harmonics (n,), those that the sample rate can hold."""
    held = voice.harmonics[: max(1, int(0.45 * SAMPLE_RATE / frequency))]
    body, shine = wavetable(held[:2], 0), wavetable(held[2:], 2)
    places = (phase * TABLE).astype(np.int32) & (TABLE - 1)
    if not voice.fade:
        return single((body + shine)[places])
    return single(body[places] + shine[places] * np.exp(-voice.fade * t))


@cache
def wavetable(strengths: tuple[float, ...], below: int) -> Signal:
    """Return one cycle (TABLE,) of harmonics `below + 1` and upwards."""
    turn = 2 * np.pi * np.arange(TABLE) / TABLE
    table = np.zeros(TABLE)
    for number, strength in enumerate(strengths, start=below + 1):
        table += strength * np.sin(number * turn)
    return single(table)


def modulated(phase: Signal, t: Signal, voice: Voice) -> Signal:
    """Return a frequency-modulated tone (n,) after Chowning (1973), whose index dies away twice as fast as the tone."""
    bend = voice.index * np.exp(-2 * voice.decay * t) * np.sin(2 * np.pi * voice.ratio * phase)
    return single(np.sin(2 * np.pi * phase + bend))


def envelope(t: Signal, duration: float, voice: Voice) -> Signal:
    """Return the loudness (n,) of a note: a smooth rise, the voice's decay, a smooth end over its ring."""
    shape = single(np.exp(-voice.decay * t))
    fade(shape, min(voice.attack, 0.8 * duration))
    fade(shape[::-1], voice.ring)
    return shape


def noise(duration: float, seed: int) -> tuple[Signal, Signal]:
    """Return times (n,) and white noise (n,) between about -1 and 1."""
    t = times(int(duration * SAMPLE_RATE))
    return t, single(np.random.default_rng(seed).standard_normal(len(t)) / 3)


@cache
def kick() -> Signal:
    """A drum whose pitch falls from 150 to 48 hertz."""
    t, _ = noise(0.35, 0)
    phase = 48 * t + 102 / 35 * (1 - np.exp(-35 * t))
    return single(1.1 * np.sin(2 * np.pi * phase) * np.exp(-9 * t) * np.minimum(1, (0.35 - t) / 0.05))


@cache
def snare() -> Signal:
    t, hiss = noise(0.25, 1)
    body = 0.5 * np.sin(2 * np.pi * 185 * t) * np.exp(-25 * t)
    return single((0.9 * np.diff(hiss, prepend=0) * np.exp(-16 * t) + body) * np.minimum(1, t / 0.001))


@cache
def clap() -> Signal:
    t, hiss = noise(0.2, 2)
    bursts = sum(np.exp(-90 * np.abs(t - late)) for late in (0.002, 0.013, 0.024)) + np.exp(-28 * t)
    return single(0.8 * np.diff(hiss, prepend=0) * bursts * np.minimum(1, t / 0.001))


@cache
def hat() -> Signal:
    t, hiss = noise(0.09, 3)
    return single(1.5 * np.diff(hiss, 2, prepend=[0, 0]) * np.exp(-60 * t) * np.minimum(1, t / 0.001))


DRUMS = {"kick": kick, "snare": snare, "clap": clap, "hat": hat}


@cache
def transfer(count: int, room: float) -> NDArray[np.complex64]:
    """Return what the room makes of a spectrum (count // 2 + 1,), and that nothing passes far below 35 hertz.

    The room's answer is noise that dies away, its highs first, with the energy of one sample; `room` scales it.
    """
    t, hiss = noise(ROOM_SECONDS, 4)
    dark = np.convolve(hiss, np.hanning(14) / 7, mode="same")
    tail = (hiss * np.exp(-9 * t) + 2 * dark * np.exp(-3.2 * t)) * np.minimum(1, t / 0.015) * (1 - t / ROOM_SECONDS)
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    response = (1 + 0.5 * room * np.fft.rfft(tail / np.linalg.norm(tail), count)) * hertz**2 / (hertz**2 + 35**2)
    return np.asarray(response, dtype=np.complex64)


def master(mix: Signal, level: float, room: float) -> Signal:
    """Put the dry mix (n,) into its room, fade its ends, set its level and limit it."""
    # One size for all pieces, so that a room is computed once; 2 ** 17 * 5 samples are 29.7 seconds.
    count = max(655_360, len(mix) + int(ROOM_SECONDS * SAMPLE_RATE))
    signal = single(np.fft.irfft(np.fft.rfft(mix, count) * transfer(count, room), count)[: len(mix)])
    fade(signal, FADE_IN)
    fade(signal[::-1], FADE_OUT)
    # Limiting takes some loudness; a second turn gives it back.
    for _ in range(2):
        signal = limit(single(signal * 10 ** (level / 20) / rms(signal)))
    return signal


def fade(signal: Signal, duration: float) -> None:
    """Let a signal (n,) rise smoothly from silence, in place."""
    ramp = times(int(duration * SAMPLE_RATE))
    signal[: len(ramp)] *= 0.5 - 0.5 * np.cos(np.pi * ramp / duration)


def rms(signal: Signal) -> float:
    """Return the root mean square of a signal (n,) that is not silent."""
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64))))


def limit(signal: Signal) -> Signal:
    """Bend what lies above `KNEE` smoothly under `CEILING`; leave the rest as it is."""
    loud = np.abs(signal) > KNEE
    over = (np.abs(signal[loud]) - KNEE) / (CEILING - KNEE)
    bent = signal.copy()
    bent[loud] = np.sign(signal[loud]) * (KNEE + (CEILING - KNEE) * np.tanh(over))
    return bent
