"""A synthetic catalogue has MuSe's shape, the same one for a seed, and every row of it is taken."""

import csv
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shaped import OTHER_MOODS, QUARTILES, catalogue, write
from catalogue.models import Track
from catalogue.moods import UNNAMED, mood_of
from catalogue.muse import V3_COLUMNS, MuseTrack, read_muse
from catalogue.services import active_clustering, import_tracks

ROWS = 10_000


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[MuseTrack]:
    file = tmp_path_factory.mktemp("shaped") / "shaped.csv"
    write(file, ROWS, seed=7)
    rows = list(read_muse(file))
    assert len(rows) == ROWS
    return [row for row in rows if isinstance(row, MuseTrack)]


def test_it_is_taken_whole(tracks):
    assert len(tracks) == ROWS


def test_what_lies_where_is_as_in_the_published_release(tracks):
    vad = np.array([(track.valence, track.arousal, track.dominance) for track in tracks])
    quartiles = np.percentile(vad, (25, 50, 75), axis=0).T
    assert quartiles == pytest.approx(QUARTILES[:, 1:4], abs=0.2)
    assert (vad.min(axis=0) >= QUARTILES[:, 0] - 0.01).all()
    assert (vad.max(axis=0) <= QUARTILES[:, 4] + 0.01).all()
    together = np.corrcoef(vad.T)
    assert together[0, 2] == pytest.approx(0.75, abs=0.05)
    assert abs(together[1, 2]) < 0.1
    points = Counter(map(tuple, vad.tolist()))
    assert sum(count for count in points.values() if count > 1) / ROWS == pytest.approx(0.48, abs=0.02)


def test_as_much_is_missing_and_shared(tracks):
    for name, share in (("spotify_id", 0.3152), ("mbid", 0.3198), ("genre", 0.0738)):
        assert sum(not getattr(track, name) for track in tracks) / ROWS == pytest.approx(share, abs=0.02)
    ids = Counter(track.spotify_id for track in tracks if track.spotify_id)
    assert sum(count for count in ids.values() if count > 1) / ids.total() == pytest.approx(0.03, abs=0.005)
    moods = [mood_of(track.seeds) for track in tracks]
    assert 1 - moods.count(UNNAMED) / ROWS == pytest.approx(0.273, abs=0.02)


def test_few_artists_and_genres_have_many_tracks(tracks):
    for name, kinds, most in (("artist", 6000, 50), ("genre", 60, 800)):
        counts = Counter(getattr(track, name) for track in tracks if getattr(track, name))
        assert len(counts) >= kinds
        assert counts.most_common(1)[0][1] >= most


def test_other_moods_name_no_emotion():
    assert all(mood_of([mood]) == UNNAMED for mood in OTHER_MOODS)


def test_a_seed_has_its_rows_and_fewer_are_the_first_of_more(tmp_path):
    few, more = tmp_path / "few.csv", tmp_path / "more.csv"
    write(few, 50, seed=3)
    write(more, 5_050, seed=3)
    assert more.read_text().startswith(few.read_text())
    assert next(catalogue(3)) != next(catalogue(4))
    with few.open() as file:
        header, *rows = csv.reader(file)
    assert header == list(V3_COLUMNS)
    assert rows[:5] == [list(map(str, row)) for row in islice(catalogue(3), 5)]


@pytest.mark.django_db
def test_its_rows_come_in_and_are_clustered(tmp_path: Path):
    write(tmp_path / "shaped.csv", 400, seed=1)
    result = import_tracks(path=tmp_path / "shaped.csv")
    assert (result.created, result.rejected, result.problem) == (400, 0, "")
    assert active_clustering()
    assert not Track.objects.filter(emotion="").exists()
