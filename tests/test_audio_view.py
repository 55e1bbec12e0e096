"""Audio of local tracks: ranges as players ask for them, and nothing outside AUDIO_ROOT."""

import os

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from catalogue import audio
from catalogue.audio import RangeNotSatisfiable, parse_range
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def root(settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path / "audio"
    settings.AUDIO_ROOT.mkdir()
    (settings.AUDIO_ROOT / "song.mp3").write_bytes(CONTENT)
    return settings.AUDIO_ROOT


@pytest.fixture
def browser(client):
    client.force_login(make_user())
    return client


def address(name="song.mp3"):
    return reverse("catalogue:audio", args=[make_track(spotify_id="", audio=name).id])


def body(response):
    content = b"".join(response.streaming_content)
    response.close()
    return content


def ask(browser, value, **headers):
    return browser.get(address(), headers={"Range": value, **headers})


def test_the_whole_file_arrives_in_chunks(browser, root):
    response = browser.get(address())
    assert response.status_code == 200
    assert response["Content-Type"] == "audio/mpeg"
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in response
    chunks = list(response.streaming_content)
    response.close()
    assert b"".join(chunks) == CONTENT
    assert max(map(len, chunks)) <= audio.CHUNK < len(CONTENT)


def test_only_the_browser_itself_may_keep_it(browser, root):
    response = browser.get(address())
    response.close()
    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"]
    assert "Cookie" in response["Vary"]


@pytest.mark.parametrize(
    ("value", "start", "stop"),
    [
        ("bytes=0-", 0, 256_000),
        ("bytes=0-1", 0, 2),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=255999-", 255_999, 256_000),
        ("bytes=200000-9999999", 200_000, 256_000),
        ("bytes=-500", 255_500, 256_000),
        ("bytes=-9999999", 0, 256_000),
        ("Bytes=5-5", 5, 6),
    ],
)
def test_it_sends_the_part_that_was_asked_for(browser, root, value, start, stop):
    response = ask(browser, value)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/256000"
    assert response["Content-Length"] == str(stop - start)
    assert body(response) == CONTENT[start:stop]


@pytest.mark.parametrize("value", ["bytes=256000-", "bytes=999999-1000000", "bytes=-0"])
def test_it_rejects_a_part_outside_the_file(browser, root, value):
    response = ask(browser, value)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */256000"
    assert response.content == b""


@pytest.mark.parametrize(
    "value", ["", "bytes=", "bytes=-", "bytes=9-3", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", f"bytes={'9' * 5000}-"]
)
def test_it_sends_the_whole_for_a_range_that_it_does_not_serve(browser, root, value):
    response = ask(browser, value)
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_a_player_goes_on_when_the_file_is_still_the_same(browser, root):
    first = browser.get(address())
    first.close()
    for validator in (first["ETag"], first["Last-Modified"]):
        response = ask(browser, "bytes=10-19", **{"If-Range": validator})
        assert response.status_code == 206
        assert body(response) == CONTENT[10:20]


def test_a_player_gets_the_whole_when_the_file_has_changed(browser, root):
    old = browser.get(address())
    old.close()
    (root / "song.mp3").write_bytes(CONTENT[::-1])
    os.utime(root / "song.mp3", ns=(0, 10**18))
    for validator in (old["ETag"], old["Last-Modified"], 'W/"1-1"'):
        response = ask(browser, "bytes=10-19", **{"If-Range": validator})
        assert response.status_code == 200
        assert body(response) == CONTENT[::-1]


def test_a_kept_copy_is_confirmed_without_sending_it(browser, root):
    first = browser.get(address())
    first.close()
    again = browser.get(address(), headers={"If-None-Match": first["ETag"], "Range": "bytes=0-1"})
    assert again.status_code == 304
    assert again.content == b""
    assert "private" in again["Cache-Control"]


def test_head_tells_the_size_and_sends_nothing(browser, root):
    response = browser.head(address(), headers={"Range": "bytes=0-1"})
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Accept-Ranges"] == "bytes"
    assert not response.streaming
    assert response.content == b""


def test_it_rejects_other_methods(browser, root):
    assert browser.post(address()).status_code == 405
    assert browser.delete(address()).status_code == 405


def test_it_asks_strangers_to_log_in(client, root):
    response = client.get(address())
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ogg", "audio/ogg"),
        ("a.opus", "audio/ogg"),
        ("A.FLAC", "audio/flac"),
        ("artist/album/a b.m4a", "audio/mp4"),
        ("a.wav", "audio/wav"),
    ],
)
def test_the_type_follows_from_the_ending(browser, root, name, kind):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"x")
    response = browser.get(address(name))
    assert response["Content-Type"] == kind
    assert body(response) == b"x"


def test_an_empty_file_is_sent_as_it_is(browser, root):
    (root / "song.mp3").write_bytes(b"")
    response = browser.get(address())
    assert (response.status_code, response["Content-Length"], body(response)) == (200, "0", b"")
    assert ask(browser, "bytes=0-").status_code == 416


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "gone.mp3",
        "folder.mp3",
        "../secret.mp3",
        "folder.mp3/../../secret.mp3",
        "/etc/passwd",
        "notes.txt",
        "out.mp3",
        "loop.mp3",
        "pipe.mp3",
        "x" * 280 + ".mp3",
        "song\0.mp3",
        "notes.mp3",
    ],
)
def test_it_gives_nothing_but_audio_files_below_the_root(browser, root, name):
    (root / "folder.mp3").mkdir()
    (root.parent / "secret.mp3").write_bytes(b"secret")
    (root / "notes.txt").write_bytes(b"secret")
    (root / "out.mp3").symlink_to(root.parent / "secret.mp3")
    (root / "notes.mp3").symlink_to(root / "notes.txt")
    (root / "loop.mp3").symlink_to(root / "loop.mp3")
    os.mkfifo(root / "pipe.mp3")
    assert browser.get(address(name)).status_code == 404


def test_it_rejects_an_absolute_path_even_to_a_sibling_that_begins_alike(browser, root):
    twin = root.with_name(root.name + "-private")
    twin.mkdir()
    (twin / "song.mp3").write_bytes(b"secret")
    assert browser.get(address(str(twin / "song.mp3"))).status_code == 404


@pytest.mark.parametrize("track_id", [999_999, 2**63, 10**30])
def test_a_track_that_does_not_exist_is_not_found(browser, root, track_id):
    assert browser.get(f"/audio/{track_id}/").status_code == 404


def test_a_root_that_is_itself_a_link_is_followed(browser, root, settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path / "link"
    settings.AUDIO_ROOT.symlink_to(root)
    assert body(browser.get(address())) == CONTENT


PLACE = st.just("") | st.integers(0, 2000).map(str)


@given(first=PLACE, last=PLACE, size=st.integers(0, 1000))
def test_a_range_is_a_part_of_the_file_whatever_is_asked(first, last, size):
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except RangeNotSatisfiable:
        return
    if part is not None:
        start, length = part
        assert 0 <= start < start + length <= size
