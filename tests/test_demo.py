"""The demonstration: rules from the space to the music, sound that can be heard, and loading it."""

import io
import json
import os
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from catalogue import recording
from catalogue.composition import compose
from catalogue.demo import MODES, pieces, plan_for
from catalogue.idioms import DRUMS, IDIOMS, PROGRESSIONS
from catalogue.models import Track
from catalogue.synthesis import CEILING, SAMPLE_RATE, VOICES, rms, synthesize
from emotune.emotions import ANCHORS, EMOTIONS

PIECES = pieces()
STEPS = [1.5, 3.0, 4.5, 6.0, 7.5, 8.9]


def first_of(emotion):
    return next(piece for piece in PIECES if piece.emotion == emotion)


def at(piece, **axes):
    """The same piece with another valence, arousal or dominance."""
    values = dict(zip(("valence", "arousal", "dominance"), piece.point, strict=True)) | axes
    return replace(piece, point=tuple(values.values()))


def decibels(signal):
    return 20 * np.log10(rms(signal))


def test_there_are_sixteen_pieces_for_each_emotion_with_names_of_their_own():
    assert [piece.emotion for piece in PIECES] == [emotion for emotion in EMOTIONS for _ in range(16)]
    assert len({piece.name for piece in PIECES}) == len({piece.seed for piece in PIECES}) == len(PIECES)
    assert first_of("sad").title == "Sad no. 01 (67 bpm, D minor)"


def test_every_piece_lies_nearest_to_the_anchor_of_its_own_emotion():
    distances = np.linalg.norm(np.array([piece.point for piece in PIECES])[:, None] - np.array(ANCHORS), axis=2)
    assert [EMOTIONS[nearest] for nearest in distances.argmin(axis=1)] == [piece.emotion for piece in PIECES]
    assert distances.min(axis=1) == pytest.approx([piece.distance for piece in PIECES])


def test_distances_to_the_anchor_differ_within_an_emotion():
    for emotion in EMOTIONS:
        distances = [piece.distance for piece in PIECES if piece.emotion == emotion]
        assert len({round(distance, 3) for distance in distances}) == 16
        assert distances[0] == min(distances)


def test_tempo_and_density_rise_with_arousal():
    plans = [plan_for((5, arousal, 5)) for arousal in STEPS]
    assert all(low.bpm < high.bpm and low.density < high.density for low, high in pairwise(plans))


def test_more_arousal_gives_more_melody_notes_in_the_same_time():
    for emotion in ("happy", "sad", "fear"):
        rates = []
        for arousal in (2.0, 5.0, 8.0):
            score = compose(at(first_of(emotion), arousal=arousal))
            rates.append(sum(note.voice == IDIOMS[emotion].lead for note in score.notes) / score.seconds)
        assert rates == sorted(set(rates))


def test_the_mode_brightens_with_valence():
    order = list(MODES)
    plans = [plan_for((valence, 5, 5)) for valence in np.arange(1, 9, 0.25)]
    places = [order.index(plan.mode) for plan in plans]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == len(order) - 1


def test_arousal_that_outruns_dominance_darkens_the_mode():
    assert (plan_for((2.5, 3, 5)).mode, plan_for((2.5, 5, 4)).mode) == ("minor", "phrygian")


def test_chords_grow_consonant_with_valence():
    def clashes(valence):
        score = compose(at(first_of("disgust"), valence=valence, arousal=3.0))
        chords = [note for note in score.notes if note.voice == IDIOMS["disgust"].chords]
        together = [(a.pitch, b.pitch) for a, b in combinations(chords, 2) if abs(a.start - b.start) < 0.02]
        return sum(abs(a - b) % 12 in (1, 11) for a, b in together)

    assert clashes(1.2) > clashes(3.5) >= clashes(8.0) == 0


def test_dominance_makes_louder_and_lower():
    plans = [plan_for((5, 5, dominance)) for dominance in STEPS]
    assert all(a.level < b.level and a.centre > b.centre and a.weight < b.weight for a, b in pairwise(plans))


def test_loudness_rises_with_dominance_in_what_is_heard():
    heard = [decibels(synthesize(compose(at(first_of("neutral"), dominance=dominance)))) for dominance in (2, 5, 8)]
    assert heard[0] < heard[1] - 4 < heard[2] - 8


def test_the_same_piece_is_always_the_same_music_and_no_two_are_alike():
    scores = [compose(piece) for piece in PIECES]
    assert compose(PIECES[40]) == scores[40]
    assert len({score.notes for score in scores}) == len(PIECES)


def test_notes_lie_inside_the_piece_and_within_hearing():
    for piece in PIECES:
        score = compose(piece)
        assert 20 < score.seconds < 28
        assert all(note.start >= 0 and note.start + note.duration < score.seconds for note in score.notes)
        tones = [note.pitch for note in score.notes if note.voice in VOICES]
        assert min(tones) >= 24
        assert max(tones) <= 105


def test_every_emotion_has_its_own_instruments_and_every_mode_its_chords():
    assert set(IDIOMS) == set(EMOTIONS)
    assert len({(idiom.figure, idiom.lead, idiom.chords) for idiom in IDIOMS.values()}) == len(EMOTIONS)
    assert set(PROGRESSIONS) == set(MODES)
    assert {idiom.drums for idiom in IDIOMS.values()} == set(DRUMS)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_sound_is_clean(emotion):
    score = compose(first_of(emotion))
    signal = synthesize(score)
    assert signal.dtype == np.float32
    assert len(signal) == int(score.seconds * SAMPLE_RATE)
    assert np.isfinite(signal).all()
    assert np.abs(signal).max() <= CEILING
    assert np.abs(signal[[0, -1]]).max() < 1e-4
    assert abs(signal.mean()) < 1e-3
    assert decibels(signal) == pytest.approx(score.level, abs=0.5)


def test_a_piece_sounds_the_same_again():
    assert np.array_equal(synthesize(compose(first_of("happy"))), synthesize(compose(first_of("happy"))))


@pytest.fixture
def two_pieces(monkeypatch, settings, tmp_path):
    """A demonstration that is composed quickly, in a folder of its own."""
    monkeypatch.setattr(recording, "pieces", lambda: (first_of("happy"), first_of("neutral")))
    settings.AUDIO_ROOT = tmp_path / "audio"
    return settings.AUDIO_ROOT / "demo"


def contents(folder):
    return {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in folder.iterdir()}


@pytest.mark.django_db
def test_loading_writes_audio_and_rows(two_pieces):
    result = recording.load_demo()
    assert (result.tracks, result.written) == (2, 2)
    track = Track.objects.get(key="demo:happy-01")
    assert (track.origin, track.artist, track.genre) == ("demo", "emotune demonstration", "generated")
    assert (track.emotion, track.distance) == ("happy", first_of("happy").distance)
    assert (track.valence, track.arousal, track.dominance) == first_of("happy").point
    file = two_pieces.parent / track.audio
    assert file.stat().st_size < 200_000
    signal, rate = soundfile.read(file)
    assert rate == SAMPLE_RATE
    assert 20 < len(signal) / rate < 28
    assert np.abs(signal).max() < 1
    assert decibels(signal) == pytest.approx(plan_for(first_of("happy").point).level, abs=0.5)


@pytest.mark.django_db
def test_loading_again_changes_nothing(two_pieces, django_assert_num_queries):
    recording.load_demo()
    files, rows = contents(two_pieces), list(Track.objects.order_by("id").values())
    with django_assert_num_queries(3) as queries:
        assert recording.load_demo().written == 0
    assert not [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
    assert contents(two_pieces) == files
    assert list(Track.objects.order_by("id").values()) == rows


@pytest.mark.django_db
def test_loading_completes_what_was_interrupted_and_mends_rows_in_place(two_pieces):
    recording.load_demo()
    happy = Track.objects.get(key="demo:happy-01")
    Track.objects.filter(key="demo:happy-01").update(title="Old", distance=9)
    Track.objects.filter(key="demo:neutral-01").delete()
    (two_pieces / "neutral-01.v1.mp3").unlink()
    assert recording.load_demo().written == 1
    assert Track.objects.get(key="demo:happy-01") == happy
    assert Track.objects.get(pk=happy.pk).title == happy.title
    assert (two_pieces.parent / Track.objects.get(key="demo:neutral-01").audio).is_file()


@pytest.mark.django_db
def test_loading_removes_its_own_leftovers_alone(two_pieces):
    two_pieces.mkdir(parents=True)
    leftovers = [two_pieces / "happy-01.v0.mp3", two_pieces / "happy-01.v1.mp3.77.part"]
    others = [two_pieces / "song.mp3", two_pieces / "happy-02.v1.mp3.78.part"]
    for file in (*leftovers, *others):
        file.write_bytes(b"")
    os.utime(leftovers[1], (0, 0))
    recording.load_demo()
    assert not any(file.exists() for file in leftovers)
    assert all(file.exists() for file in others)


@pytest.mark.django_db
def test_a_failed_encoding_leaves_no_file_and_no_row(two_pieces, monkeypatch):
    def full_disk(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("soundfile.write", full_disk)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("load_demo")
    assert list(two_pieces.iterdir()) == []
    assert not Track.objects.exists()


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_one_clear_line(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.AUDIO_ROOT = tmp_path / "file" / "audio"
    with pytest.raises(CommandError) as refusal:
        call_command("load_demo")
    assert "Make the folder writable, or set EMOTUNE_AUDIO" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.django_db
def test_the_command_prints_json_alone(two_pieces):
    out = io.StringIO()
    call_command("load_demo", "--json", stdout=out)
    figures = json.loads(out.getvalue())
    assert (figures["tracks"], figures["written"]) == (2, 2)
    assert figures["seconds"] > 0


@pytest.mark.django_db
def test_the_whole_demonstration_fills_a_playlist_for_every_emotion(monkeypatch, settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path
    monkeypatch.setattr(recording, "record", lambda piece, file: file.write_bytes(b"audio"))
    steps = []
    recording.load_demo(progress=lambda done, share: steps.append((done, share)))
    assert steps[-1] == (112, 1.0)
    for emotion in EMOTIONS:
        assert Track.objects.filter(emotion=emotion, origin="demo").exclude(audio="").count() == 16
