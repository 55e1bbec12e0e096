"""Importing MuSe into the catalogue: one outcome per file, all of it or nothing, and twice is once."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalogue.clustering import assign
from catalogue.models import Track
from catalogue.muse import Reject
from catalogue.records import UnreadableFile
from catalogue.services import (
    ImportResult,
    activate_clustering,
    active_clustering,
    cluster_catalogue,
    import_tracks,
    regions,
)
from emotune.emotions import EMOTIONS
from tests.catalogue_files import EARLIER, muse_row, muse_text, write_muse

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "muse.csv"


def imported(file: Path, *rows: dict[str, Any]) -> ImportResult:
    return import_tracks(path=write_muse(file, *rows))


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.rejected


def everything() -> list[Any]:
    return list(Track.objects.order_by("id").values())


def rows(number: int) -> list[dict[str, Any]]:
    return [muse_row(n) for n in range(1, number + 1)]


def test_every_field_of_a_row_comes_in(file):
    result = imported(file, muse_row(track="<b>愛</b>", number_of_emotion_tags=""))
    assert (result.rows, *counts(result)) == (1, 1, 0, 0, 0)
    track = Track.objects.get()
    assert (track.key, track.lastfm_url) == ("https://www.last.fm/music/artist/_/track1",) * 2
    assert (track.title, track.artist, track.genre, track.seeds) == ("<b>愛</b>", "Artist", "folk", ["calm", "warm"])
    assert (track.valence, track.arousal, track.dominance) == (1.37, 1.5899999999999999, 1.83)
    assert (track.tag_count, track.mbid[:4], track.spotify_id) == (None, "9a80", "0000000000000000000001")
    assert (track.origin, track.audio, track.emotion, track.distance) == ("muse", "", "", None)


def test_the_earlier_release_comes_in(file):
    file.write_text(f"{EARLIER}\nT1,Song,Band,5.1,4.2,5.3,,\n")
    assert counts(import_tracks(path=file)) == (1, 0, 0, 0)
    assert Track.objects.get().lastfm_url == ""


def test_importing_again_writes_nothing(file):
    imported(file, *rows(150), muse_row(1))
    before = everything()
    with connection.cursor() as cursor:
        for action in ("INSERT", "UPDATE", "DELETE"):
            cursor.execute(
                f"CREATE TEMP TRIGGER refuse_{action} BEFORE {action} ON main.catalogue_track"
                " BEGIN SELECT RAISE(ABORT, 'a track was written'); END"
            )
        assert counts(import_tracks(path=file)) == (0, 0, 150, 1)
        for action in ("INSERT", "UPDATE", "DELETE"):
            cursor.execute(f"DROP TRIGGER refuse_{action}")
    assert everything() == before
    assert before[0]["emotion"]


def test_what_differs_is_updated_and_keeps_its_id(file):
    imported(file, *rows(3))
    before = everything()
    moved = muse_row(2, track="Other", number_of_emotion_tags="", seeds="[]", valence_tags=8.0)
    assert counts(imported(file, muse_row(1), moved, muse_row(4))) == (1, 1, 1, 0)
    after = everything()
    assert [row["title"] for row in after] == ["Track 1", "Other", "Track 3", "Track 4"]
    assert after[1] == before[1] | {"title": "Other", "tag_count": None, "seeds": [], "valence": 8.0}
    assert (after[0], after[2]) == (before[0], before[2])


@pytest.mark.parametrize(
    "change",
    [
        {"track": "B"},
        {"artist": "B"},
        {"genre": ""},
        {"seeds": "['b']"},
        {"number_of_emotion_tags": 4},
        {"number_of_emotion_tags": ""},
        {"valence_tags": 2},
        {"arousal_tags": 2},
        {"dominance_tags": 2},
        {"mbid": ""},
        {"spotify_id": ""},
    ],
)
def test_a_change_of_any_field_is_seen(file, change):
    imported(file, muse_row())
    assert counts(imported(file, muse_row(**change))) == (0, 1, 0, 0)
    assert counts(import_tracks(path=file)) == (0, 0, 1, 0)
    assert counts(imported(file, muse_row())) == (0, 1, 0, 0)


def test_tracks_come_in_the_order_of_the_file(file):
    imported(file, *reversed(rows(30)))
    assert [track.title for track in Track.objects.order_by("id")] == [f"Track {n}" for n in range(30, 0, -1)]


def test_the_first_import_that_is_large_enough_is_clustered_at_once(file):
    imported(file, *rows(99))
    assert active_clustering() is None
    assert not Track.objects.exclude(emotion="").exists()
    assert counts(imported(file, *rows(120))) == (21, 0, 99, 0)
    assert active_clustering()
    assert not Track.objects.filter(emotion="").exists()
    assert not Track.objects.filter(distance=None).exists()


def test_many_tracks_at_one_place_are_imported_without_a_clustering(file):
    place = {"valence_tags": 5, "arousal_tags": 5, "dominance_tags": 5}
    assert imported(file, *[muse_row(n, **place) for n in range(1, 121)]).created == 120
    assert active_clustering() is None


def test_new_and_moved_tracks_are_tagged_by_the_active_clustering(file):
    imported(file, *rows(150))
    clustering = active_clustering()
    assert clustering
    columns = ("valence_tags", "arousal_tags", "dominance_tags")
    angry, happy = (dict(zip(columns, clustering.centroids[emotion], strict=True)) for emotion in ("angry", "happy"))
    assert counts(imported(file, muse_row(1, **angry), muse_row(999, **happy))) == (1, 1, 0, 0)
    assert active_clustering() == clustering
    found = {track.title: (track.emotion, round(track.distance or 0, 9)) for track in Track.objects.all()}
    assert found["Track 1"] == ("angry", 0)
    assert found["Track 999"] == ("happy", 0)


def test_a_clustering_activated_while_the_file_is_read_tags_what_comes_in(file):
    imported(file, *rows(150))
    other = cluster_catalogue()
    other.centroids = dict(zip(EMOTIONS, reversed(other.centroids.values()), strict=True))
    other.save()
    import_tracks(path=write_muse(file, *rows(160)), progress=lambda done, share: activate_clustering(clustering=other))
    places = np.array(Track.objects.order_by("id").values_list("valence", "arousal", "dominance"))
    labels, _ = assign(places, *regions(other))
    assert [track["emotion"] for track in everything()] == [EMOTIONS[label] for label in labels]
    assert len(labels) == 160


def test_the_demonstration_keeps_its_emotions_and_stays_out_of_the_clustering(file):
    demo = Track.objects.create(
        key="demo:1", origin="demo", title="D", artist="D", valence=5, arousal=5, dominance=5, audio="d", emotion="fear"
    )
    imported(file, *rows(150))
    demo.refresh_from_db()
    assert (demo.emotion, demo.distance) == ("fear", None)
    clustering = active_clustering()
    assert clustering
    assert sum(clustering.quality["sizes"].values()) == 150


@pytest.mark.parametrize("end", [b'https://x.org/,"Cut', b"https://x.org/,Cut"])
def test_a_bad_end_leaves_the_catalogue_as_it_was(file, end):
    imported(file, *rows(2))
    before = everything()
    file.write_bytes(muse_text(*[muse_row(n, genre="other") for n in range(1, 200)]).encode() + end)
    with pytest.raises(UnreadableFile, match="cut off"):
        import_tracks(path=file)
    file.write_bytes(gzip.compress(muse_text(*rows(6000)).encode())[:-20])
    with pytest.raises(UnreadableFile, match="cut off"):
        import_tracks(path=file)
    assert everything() == before
    assert counts(imported(file, *rows(3))) == (1, 0, 2, 0)


def test_a_file_of_far_more_rejects_than_tracks_is_given_up(file, monkeypatch):
    monkeypatch.setattr("catalogue.importing.MOST_REJECTS", 50)
    told: list[Reject] = []
    file.write_bytes(muse_text(*rows(60)).encode() + b"x\n" * 55)
    assert import_tracks(path=file).rejected == 55, "as many as that are told one by one"
    before = everything()
    file.write_bytes(muse_text(*rows(30)).encode() + b"x\n" * 5000)
    with pytest.raises(UnreadableFile, match=r"More than 50 rows are amiss, and 30 are not.* The first is line 32: "):
        import_tracks(path=file, on_reject=told.append)
    assert 50 <= len(told) < 5000
    assert everything() == before


def test_an_import_that_is_stopped_leaves_the_catalogue_as_it_was(file):
    def stop(done: int, share: float) -> None:
        raise KeyboardInterrupt

    write_muse(file, *rows(1500))
    with pytest.raises(KeyboardInterrupt):
        import_tracks(path=file, progress=stop)
    assert everything() == []


def test_the_database_is_asked_as_often_for_few_rows_as_for_many(file):
    asked = []
    for number in (200, 2000):
        write_muse(file, *rows(number))
        import_tracks(path=file)
        with CaptureQueriesContext(connection) as queries:
            import_tracks(path=file)
        asked.append(len(queries))
    assert asked[0] == asked[1] < 20


def test_a_result_keeps_the_first_rejects_and_tells_of_all(file):
    told: list[Reject] = []
    write_muse(file, *[muse_row(n, artist="") for n in range(1, 1201)])
    result = import_tracks(path=file, on_reject=told.append)
    assert (result.rejected, len(result.rejects), len(told)) == (1200, 1000, 1200)
    assert result.rejects[0] == told[0] == Reject(2, "artist is empty", "Track 1")


def test_the_real_sample_comes_in_tagged_so_that_tags_keep_their_meaning(data):
    file = data / "muse" / "muse_sample_1000.csv"
    assert counts(import_tracks(path=file)) == (1000, 0, 0, 0)
    clustering = active_clustering()
    assert clustering
    assert (clustering.method, clustering.parameters["mood_words"]) == ("anchored", 273)
    tagged = {emotion: Track.objects.filter(emotion=emotion).count() for emotion in clustering.centroids}
    assert tagged == clustering.quality["sizes"]
    assert Track.objects.filter(emotion="sad").exclude(spotify_id="").count() >= 15
    assert counts(import_tracks(path=file)) == (0, 0, 1000, 0)
