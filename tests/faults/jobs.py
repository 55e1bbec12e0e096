"""Imports and copies as a program asks for them, and what came of them."""

import json
from typing import Any

from tests.faults.installation import Installation

COLUMNS = "lastfm_url,track,artist,seeds,number_of_emotion_tags,valence_tags,arousal_tags,dominance_tags,mbid"
ROWS = 20_000


def catalogue(artist: str) -> bytes:
    """Return ROWS rows of MuSe that nobody else has."""
    rows = (
        f"https://www.last.fm/music/{artist}/_/Song+{n},Song {n},{artist},['calm'],1,{2 + n % 6}.5,4.5,5.5,,{n:022d},\n"
        for n in range(ROWS)
    )
    return "".join((f"{COLUMNS},spotify_id,genre\n", *rows)).encode()


def upload(installation: Installation, artist: str) -> tuple[int, str]:
    """Send a catalogue to be imported; return status and body."""
    return installation.ask("/api/v1/imports", installation.admin_token, file=catalogue(artist))[:2]


def path_in(body: str) -> str:
    return f"imports/{json.loads(body)['id']}"


def job(installation: Installation, path: str, token: str) -> dict[str, Any]:
    status, body, _ = installation.ask(f"/api/v1/{path}", token)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def is_running(installation: Installation, path: str, token: str) -> bool:
    return bool(job(installation, path, token)["state"] == "running")


def ended(installation: Installation, path: str, token: str) -> dict[str, Any]:
    """Return the job once it is over, and nothing before."""
    found = job(installation, path, token)
    return found if found["state"] not in {"queued", "running"} else {}
