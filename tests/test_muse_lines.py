"""Lines of MuSe that are taken as they stand: those that verification, field by field, would leave as they are."""

import ast
import csv
import random
from pathlib import Path

import pytest

from catalogue import keys
from catalogue.muse import PLAIN, Lines, MuseTrack, Reject, read_lines, read_muse
from tests.catalogue_files import EARLIER, V3, muse_row, muse_text, write_muse

# What a copy of MuSe may hold beside rows as pandas wrote them.
ODD = (
    {"track": 'One, "two"'}, {"track": "two  spaces"}, {"track": " spare "}, {"track": ""}, {"track": "愛\u3000歌"},
    {"track": "no\u00a0break"}, {"track": "\u2028"}, {"track": "tab\there"}, {"track": "bell\x07"}, {"track": "\\N"},
    {"track": "a\nb"}, {"track": "\ufeffmark"}, {"artist": '"""quoted"""'}, {"artist": "x" * 500},
    {"artist": "x" * 501},
    {"genre": "g" * 200}, {"genre": "g" * 201}, {"genre": "r&b, soul"}, {"genre": " "}, {"seeds": "[]"},
    {"seeds": "['in love', 'r&b/soul', 'self-conscious']"}, {"seeds": '["don\'t"]'}, {"seeds": "['don\\'t']"},
    {"seeds": "['calm','sad']"}, {"seeds": "['calm', ]"}, {"seeds": "[1]"}, {"seeds": "['ünïcode']"},
    {"seeds": "[''']"},
    {"number_of_emotion_tags": "3.0"}, {"number_of_emotion_tags": ""}, {"number_of_emotion_tags": "1e3"},
    {"valence_tags": "9"}, {"valence_tags": "9.01"}, {"valence_tags": "8.999999999999999999999999"},
    {"valence_tags": "1e0"}, {"valence_tags": " 5"}, {"valence_tags": "٣"}, {"valence_tags": "-0"},
    {"mbid": "9A80555A-050D-4532-A684-6831D7D0ED5A"}, {"mbid": "nonsense"}, {"spotify_id": "short"},
    {"lastfm_url": "https:///x"}, {"lastfm_url": "http://a b"}, {"lastfm_url": "ftp://x/y"}, {"lastfm_url": "https://x/é"},
    {"lastfm_url": "https://x/" + "y" * 600}, {"lastfm_url": "https://x?,y"},
)  # fmt: skip


def both(file: Path) -> tuple[list[object], list[object], list[Lines]]:
    """What each way of reading takes, with the rejects, in the same form."""
    by_field = [taken(row) if isinstance(row, MuseTrack) else row for row in read_muse(file)]
    parts = list(read_lines(file))
    rows = [fields for part in parts for fields in csv.reader(part.taken)]
    by_line: list[object] = [reject for part in parts for reject in part.rejects]
    by_line += [as_taken(fields) for fields in rows]
    return sorted(by_field, key=repr), sorted(by_line, key=repr), parts


def taken(track: MuseTrack) -> tuple[object, ...]:
    return (track.key, track.title, track.artist, track.seeds, track.tag_count, *track[4:7], *track[11:], track.genre)


def as_taken(fields: list[str]) -> tuple[object, ...]:
    key, title, artist, seeds, count, valence, arousal, dominance, mbid, spotify_id, genre = fields
    words = tuple(ast.literal_eval(seeds))
    places = (float(valence), float(arousal), float(dominance))
    return (key, title, artist, words, int(float(count)) if count else None, *places, mbid, spotify_id, genre)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:40])
def test_an_odd_row_among_plain_ones_is_taken_or_rejected_in_the_same_way(tmp_path, odd):
    by_field, by_line, _ = both(write_muse(tmp_path / "muse.csv", muse_row(1), muse_row(2, **odd), muse_row(3)))
    assert by_line == by_field


def test_most_lines_are_taken_as_they_stand(tmp_path):
    lines = muse_text(*[muse_row(n) for n in range(1, 20)], muse_row(20, track='One, "two"')).splitlines(keepends=True)
    assert all(PLAIN.fullmatch(line) for line in lines[1:])
    [part] = read_lines(write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 20)]))
    assert part.taken == lines[1:20]


def test_the_pattern_knows_white_space_as_python_does():
    row = muse_text(muse_row(1, track="a@b")).splitlines(keepends=True)[1]
    for code in range(0x110000):
        if chr(code).isspace() or code < 0x20 or 0xD800 <= code < 0xE000:
            assert chr(code) == " " or not PLAIN.fullmatch(row.replace("@", chr(code))), hex(code)


@pytest.mark.parametrize("few", [1 << 17, 50])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_damaged_files_are_read_in_the_same_way(tmp_path, monkeypatch, few, ends):
    monkeypatch.setattr(keys, "FEW_KEYS", few)
    rng = random.Random(few)
    for _ in range(15):
        rows = [muse_row(rng.randrange(900), **(rng.choice(ODD) if rng.random() < 0.01 else {})) for _ in range(1200)]
        text = muse_text(*rows)
        for _ in range(rng.randrange(4)):
            place = rng.randrange(len(V3) + 2, len(text))
            text = text[:place] + rng.choice(['"', ",", "\n", "\r", " ", "\\", "\u00a0", "'"]) + text[place:]
        file = tmp_path / "muse.csv"
        file.write_bytes((text + "\n").replace("\n", ends).encode())
        by_field, by_line, _ = both(file)
        assert by_line == by_field
        assert any(isinstance(row, Reject) for row in by_line)


def test_the_earlier_release_is_read_in_the_same_way(tmp_path):
    file = tmp_path / "muse.csv"
    file.write_text(f"{EARLIER}\nT1,Song,Band,5.1,4.2,5.3,,{'a' * 22}\nT1,Song,Band,5.1,4.2,5.3,,\nT2,,Band,5,4,5,,\n")
    by_field, by_line, _ = both(file)
    assert by_line == by_field
    assert len(by_line) == 3
