"""Small files of MuSe made by hand."""

import csv
import io
from pathlib import Path

V3 = (
    "lastfm_url,track,artist,seeds,number_of_emotion_tags,"
    "valence_tags,arousal_tags,dominance_tags,mbid,spotify_id,genre"
)
EARLIER = "id,track,artist,valence_tags,arousal_tags,dominance_tags,mbid,spotify_id"


def muse_row(n: int = 1, **changed: object) -> dict[str, object]:
    """The fields of one good row of the third release; different `n`, different place and track."""
    row = {
        "lastfm_url": f"https://www.last.fm/music/artist/_/track{n}",
        "track": f"Track {n}",
        "artist": "Artist",
        "seeds": "['calm', 'warm']",
        "number_of_emotion_tags": 3,
        "valence_tags": 1 + n * 0.37 % 7,
        "arousal_tags": 1 + n * 0.59 % 6,
        "dominance_tags": 1 + n * 0.83 % 6,
        "mbid": "9a80555a-050d-4532-a684-6831d7d0ed5a",
        "spotify_id": f"{n:022d}",
        "genre": "folk",
    }
    return {**row, **changed}


def muse_text(*rows: dict[str, object]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, V3.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_muse(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text(muse_text(*rows), encoding="utf-8")
    return path
