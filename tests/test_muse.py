"""Reading MuSe: every row comes out verified or rejected with its line; a bad file as a whole is one clear error."""

import gzip
import io
import random
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from catalogue import keys
from catalogue.muse import MuseTrack, Reject, read_muse
from catalogue.records import UnreadableFile
from tests.catalogue_files import EARLIER, V3, muse_row, muse_text, write_muse


def read(tmp_path: Path, content: str | bytes) -> list[MuseTrack | Reject]:
    file = tmp_path / "muse.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_muse(file))


def read_one(tmp_path: Path, **changed: Any) -> MuseTrack | Reject:
    [row] = read_muse(write_muse(tmp_path / "muse.csv", muse_row(**changed)))
    return row


def summary(rows: list[MuseTrack | Reject]) -> list[tuple[int, str]]:
    """Line and title of tracks, line and reason of rejects."""
    return [(row.line, row.title if isinstance(row, MuseTrack) else row.reason) for row in rows]


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_it_reads_every_field_of_the_third_release(tmp_path):
    assert read_one(tmp_path) == MuseTrack(
        line=2,
        key="https://www.last.fm/music/artist/_/track1",
        title="Track 1",
        artist="Artist",
        valence=1.37,
        arousal=1.5899999999999999,
        dominance=1.83,
        genre="folk",
        seeds=("calm", "warm"),
        tag_count=3,
        lastfm_url="https://www.last.fm/music/artist/_/track1",
        mbid="9a80555a-050d-4532-a684-6831d7d0ed5a",
        spotify_id="0000000000000000000001",
    )


def test_it_reads_the_earlier_release(tmp_path):
    rows = read(tmp_path, f"{EARLIER}\nT1,Song,Band,5.1,4.2,5.3,,{'a' * 22}\nT1,Song,Band,5.1,4.2,5.3,,\n")
    assert rows[0] == MuseTrack(
        2, "muse:T1", "Song", "Band", 5.1, 4.2, 5.3, "", (), None, lastfm_url="", mbid="", spotify_id="a" * 22
    )
    assert rows[1] == Reject(3, "same id as line 2", "Song")


def test_columns_may_stand_in_another_order(tmp_path):
    header, row = V3.split(","), muse_row()
    content = ",".join(reversed(header)) + "\n" + ",".join(f'"{row[name]}"' for name in reversed(header)) + "\n"
    [track] = read(tmp_path, content)
    assert track == read_one(tmp_path)


@pytest.mark.parametrize("optional", ["genre", "mbid", "spotify_id", "number_of_emotion_tags"])
def test_a_row_may_leave_out(tmp_path, optional):
    assert isinstance(read_one(tmp_path, **{optional: ""}), MuseTrack)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"valence_tags": "9.01"}, "valence_tags is 9.01, outside 0 to 9"),
        ({"arousal_tags": "-0.1"}, "arousal_tags is -0.1, outside 0 to 9"),
        ({"dominance_tags": "1e400"}, "dominance_tags is 1e400, outside 0 to 9"),
        ({"valence_tags": "nan"}, "valence_tags is not a number: 'nan'"),
        ({"valence_tags": "inf"}, "valence_tags is not a number: 'inf'"),
        ({"valence_tags": "4_2"}, "valence_tags is not a number: '4_2'"),
        ({"valence_tags": "\u0665"}, "valence_tags is not a number: '\u0665'"),
        ({"valence_tags": ""}, "valence_tags is empty"),
        ({"spotify_id": "a" * 21}, f"spotify_id is not 22 letters and digits: '{'a' * 21}'"),
        ({"spotify_id": "a" * 21 + "é"}, f"spotify_id is not 22 letters and digits: '{'a' * 21}é'"),
        ({"mbid": "9a80555a"}, "mbid is not a MusicBrainz id: '9a80555a'"),
        ({"lastfm_url": "javascript:alert(1)"}, "lastfm_url is not an http(s) address: 'javascript:alert(1)'"),
        ({"lastfm_url": "https:///path"}, "lastfm_url is not an http(s) address: 'https:///path'"),
        ({"lastfm_url": "https://a.b/c d"}, "lastfm_url is not an http(s) address: 'https://a.b/c d'"),
        ({"lastfm_url": ""}, "lastfm_url is empty"),
        ({"track": " "}, "track is empty"),
        ({"artist": ""}, "artist is empty"),
        ({"track": "x" * 501}, "track is longer than 500 characters"),
        ({"genre": "x" * 201}, "genre is longer than 200 characters"),
        ({"track": "a\x00b"}, "track holds a control character or is not UTF-8"),
        ({"number_of_emotion_tags": "-1"}, "number_of_emotion_tags is not a whole number: '-1'"),
        ({"number_of_emotion_tags": "2.5"}, "number_of_emotion_tags is not a whole number: '2.5'"),
        ({"seeds": ""}, "seeds is not a list of words: ''"),
        ({"seeds": "['a"}, 'seeds is not a list of words: "[\'a"'),
        ({"seeds": "[1]"}, "seeds is not a list of words: '[1]'"),
        ({"seeds": "('a',)"}, "seeds is not a list of words: \"('a',)\""),
        ({"seeds": "__import__('os')"}, "seeds is not a list of words: \"__import__('os')\""),
        ({"seeds": r"['\x00']"}, "seeds is not a list of words: \"['\\\\x00']\""),
        ({"seeds": r"['\ud800']"}, "seeds is not a list of words: \"['\\\\ud800']\""),
    ],
)
def test_it_rejects_a_bad_field_with_the_reason(tmp_path, changed, reason):
    row = read_one(tmp_path, **changed)
    assert isinstance(row, Reject)
    assert (row.line, row.reason) == (2, reason)


@pytest.mark.parametrize("seeds", ["[" * 3000, "-" * 3000 + "1", "['a'" + " + 'a'" * 500 + "]", "9" * 3900])
def test_hostile_seeds_are_only_a_reject(tmp_path, seeds):
    row = read_one(tmp_path, seeds=seeds)
    assert isinstance(row, Reject)
    assert row.reason.startswith("seeds is not a list of words")


def test_a_long_run_of_digits_is_refused_at_once(tmp_path):
    assert isinstance(read_one(tmp_path, valence_tags="1" * 60_000 + "x"), Reject)


@pytest.mark.parametrize("value", ["0", "9", "9.0", "+5", ".5", "5.", "8.2e0", " 5 "])
def test_numbers_at_the_limits_and_in_any_notation_are_taken(tmp_path, value):
    assert isinstance(read_one(tmp_path, valence_tags=value), MuseTrack)


def test_a_whole_number_that_pandas_made_a_fraction_is_read(tmp_path):
    track = read_one(tmp_path, number_of_emotion_tags="3.0")
    assert isinstance(track, MuseTrack)
    assert track.tag_count == 3


def test_titles_keep_markup_and_any_script_and_lose_spare_space(tmp_path):
    for given, kept in [("<b>愛</b> “x” 🎵", "<b>愛</b> “x” 🎵"), (" two\n lines ", "two lines"), ("=1+1", "=1+1")]:
        track = read_one(tmp_path, track=given)
        assert isinstance(track, MuseTrack)
        assert track.title == kept


def test_a_key_counts_once_it_was_taken(tmp_path):
    rows = [muse_row(1, valence_tags="x"), muse_row(1), muse_row(2), muse_row(1), muse_row(1, valence_tags="x")]
    found = summary(read(tmp_path, muse_text(*rows)))
    assert found == [
        (2, "valence_tags is not a number: 'x'"),
        (3, "Track 1"),
        (4, "Track 2"),
        (5, "same lastfm_url as line 3"),
        (6, "valence_tags is not a number: 'x'"),
    ]


def test_a_repeated_key_is_found_across_ten_thousand_rows(tmp_path):
    rows = [muse_row(n) for n in range(1, 10_001)]
    found = read(tmp_path, muse_text(*rows, muse_row(1), muse_row(10_000)))
    assert sum(isinstance(row, MuseTrack) for row in found) == 10_000
    assert summary(found)[-2:] == [(10_002, "same lastfm_url as line 2"), (10_003, "same lastfm_url as line 10001")]


def test_blank_lines_count_as_lines_and_not_as_rows(tmp_path):
    header, one, two = muse_text(muse_row(1), muse_row(2)).splitlines()
    assert summary(read(tmp_path, f"\n{header}\n\n{one}\n   \n{two}\n\n  ")) == [(4, "Track 1"), (6, "Track 2")]


def test_rows_with_too_few_or_too_many_fields_keep_their_title(tmp_path):
    header, row = muse_text(muse_row(1)).splitlines()
    rows = read(tmp_path, f"{header}\nhttps://x.org/,Short\n{row},more\n{row}\n")
    assert rows[:2] == [Reject(2, "2 fields instead of 11", "Short"), Reject(3, "12 fields instead of 11", "Track 1")]
    assert isinstance(rows[2], MuseTrack)


def test_a_quoted_line_break_does_not_upset_the_line_numbers(tmp_path):
    rows = [muse_row(1, track="One\nand\nhalf"), muse_row(2, artist=""), muse_row(3)]
    assert summary(read(tmp_path, muse_text(*rows))) == [(2, "One and half"), (5, "artist is empty"), (6, "Track 3")]


@pytest.mark.parametrize("broken", ['https://x.org/a,"Open,Bad', 'https://x.org/a,"Op"en,Bad', '"', '"a","b'])
def test_an_unclosed_quotation_mark_costs_its_own_line_alone(tmp_path, broken):
    text = muse_text(*[muse_row(n) for n in range(1, 31)]).splitlines()
    text.insert(3, broken)
    rows = read(tmp_path, "\n".join(text) + "\n")
    assert sum(isinstance(row, MuseTrack) for row in rows) == 30
    [reject] = [row for row in rows if isinstance(row, Reject)]
    assert reject.line == 4
    assert reject.reason.startswith("a quotation mark is not closed")


def test_a_line_too_long_for_any_row_is_one_reject(tmp_path):
    header, row = muse_text(muse_row(1)).splitlines()
    rows = read(tmp_path, f"{header}\n{row},{'x' * 500_000}\n{row}\n")
    assert [(row.line, type(row)) for row in rows] == [(2, Reject), (3, MuseTrack)]


def test_bytes_that_are_not_utf8_cost_their_row_alone(tmp_path):
    text = muse_text(muse_row(1, track="Bj\xf6rk"), muse_row(2)).encode("latin-1")
    assert summary(read(tmp_path, text)) == [(2, "track holds a control character or is not UTF-8"), (3, "Track 2")]


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_any_line_ends_and_a_byte_order_mark_are_read(tmp_path, ends):
    text = muse_text(muse_row(1), muse_row(2)).replace("\n", ends)
    assert summary(read(tmp_path, text.encode("utf-8-sig"))) == [(2, "Track 1"), (3, "Track 2")]


def test_gzip_and_zip_are_known_by_their_content(tmp_path):
    text = muse_text(muse_row(1), muse_row(2, track=""))
    expected = read(tmp_path, text)
    assert read(tmp_path, gzip.compress(text.encode())) == expected
    assert (
        read(tmp_path, zipped({"folder/muse_v3.CSV": text, "__MACOSX/._muse_v3.CSV": b"x", "readme": "y"})) == expected
    )


def test_a_whole_last_row_without_a_line_break_is_taken(tmp_path):
    assert summary(read(tmp_path, muse_text(muse_row(1)).rstrip("\n"))) == [(2, "Track 1")]


GOOD = muse_text(*[muse_row(n) for n in range(1, 200)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,b,c\n1,2,3\n", "its first line must name the columns lastfm_url"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "its first line must name the columns"),
        (GOOD.encode("utf-16"), "its first line must name the columns"),
        (GOOD.replace("genre", "tempo", 1).encode(), "genre is missing; 'tempo' is not known"),
        (GOOD.replace("genre", "genre,genre", 1).encode(), "a column stands twice"),
        (GOOD.replace("\n", ",more\n", 1).encode(), "'more' is not known"),
        (GOOD.encode()[:-40], "cut off in the middle of line 200"),
        (muse_text(muse_row(track='A "quoted" one')).encode()[:-90], "cut off in the middle of line 2"),
        (GOOD.encode() + b'https://x.org/,"Open', "cut off in the middle of line 201"),
        (gzip.compress(GOOD.encode())[:-100], "cut off"),
        (gzip.compress(GOOD.encode())[:-6] + b"\0\0\0\0\0\0", "cannot be unpacked"),
        (zipped({"muse.csv": GOOD})[:-100], "cannot be unpacked"),
        (zipped({"readme": b"x"}), "no CSV file"),
        (zipped({"a.csv": GOOD, "b.csv": GOOD}), "2 CSV files ('a.csv', 'b.csv'); it must hold exactly one"),
        (zipped({}), "no CSV file"),
        (zipped({"müse.csv": GOOD}).replace("müse".encode(), b"m\xff\xfese"), "a name in it is not UTF-8"),
    ],
)
def test_a_file_that_is_not_muse_is_one_clear_error(tmp_path, content, words):
    with pytest.raises(UnreadableFile) as error:
        read(tmp_path, content)
    assert words in error.value.message
    assert "\n" not in error.value.message


def test_an_encrypted_zip_says_so(tmp_path):
    data = bytearray(zipped({"muse.csv": GOOD}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableFile, match="encrypted"):
        read(tmp_path, bytes(data))


def test_a_file_that_is_missing_or_a_folder_says_so(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        list(read_muse(tmp_path / "none.csv"))
    with pytest.raises(UnreadableFile, match="directory"):
        list(read_muse(tmp_path))


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        (lambda content: zipped({"muse.csv": content}), "unpacks to more than 100 times its size"),
        (lambda content: zipped({"muse.csv": content}, zipfile.ZIP_BZIP2), "Pack it by deflate"),
        (lambda content: zipped({"muse.csv": content}, zipfile.ZIP_LZMA), "Pack it by deflate"),
        (lambda content: gzip.compress(content, 1), "unpacks to more than 100 times its size"),
    ],
    ids=["zip", "bzip2", "lzma", "gzip"],
)
def test_a_bomb_is_refused_in_little_memory(tmp_path, pack, words):
    content = V3.encode() + b"\n" + b"\0" * 70_000_000
    data = pack(content)
    del content
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile, match=words):
            read(tmp_path, data)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "FEW_KEYS", 1000)
    peaks = []
    for rows in (1_000, 8_000):
        file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, rows + 1)])
        tracemalloc.start()
        for _ in read_muse(file):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 7_000 * 50


def test_progress_tells_rows_and_share(tmp_path):
    told: list[tuple[int, float]] = []
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 2_501)])
    for _ in read_muse(file, lambda rows, share: told.append((rows, share))):
        pass
    assert [rows for rows, _ in told] == [1000, 2000, 2500]
    assert 0 < told[0][1] < told[1][1] <= told[2][1] == 1


def test_no_damage_makes_it_fail_in_another_way(tmp_path):
    """Of bytes changed at random, plain and packed, come rows, rejects or UnreadableFile, and nothing else."""
    chance = random.Random(7)
    outcomes: set[type] = set()
    for sound in (GOOD.encode(), gzip.compress(GOOD.encode()), zipped({"muse.csv": GOOD})):
        for _ in range(80):
            data = bytearray(sound)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.choice([0, 10, 13, 34, 44, 255, chance.randrange(256)])
            try:
                outcomes |= {type(row) for row in read(tmp_path, bytes(data[: chance.randrange(1, len(data) + 1)]))}
            except UnreadableFile:
                outcomes.add(UnreadableFile)
    assert outcomes == {MuseTrack, Reject, UnreadableFile}


def test_the_real_sample_is_taken_whole(data):
    rows = list(read_muse(data / "muse" / "muse_sample_1000.csv"))
    assert len(rows) == 1000
    assert all(isinstance(row, MuseTrack) for row in rows)


def test_of_the_real_defects_every_good_row_is_taken_and_every_bad_one_named(data):
    rows = list(read_muse(data / "muse" / "muse_defects.csv"))
    assert [row.line for row in rows if isinstance(row, MuseTrack)] == [2, 3, 4, 18, 19]
    assert [row.line for row in rows if isinstance(row, Reject)] == list(range(5, 18))
    assert all(row.reason for row in rows if isinstance(row, Reject))
