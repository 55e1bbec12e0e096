"""Reading the exports of ListenBrainz and Last.fm, whole and damaged."""

import csv
import gzip
import io
import json
import random
import struct
import sys
import time
import tracemalloc
import zipfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from playlists import export_records, exports
from playlists.export_records import FIRST_LISTEN, Broken, Judged, Listened, Music, record_of
from playlists.unpacking import UnreadableExport

NOW = datetime(2026, 11, 22, tzinfo=UTC)
AT = datetime(2021, 11, 6, 19, 10, tzinfo=UTC)
UTS = int(AT.timestamp())
MBID = "9a80555a-050d-4532-a684-6831d7d0ed5a"
SPOTIFY = "4uLU6hMCjMI75M1A2tKUQC"


def listen(**changed):
    metadata = {
        "artist_name": "Nina",
        "track_name": "Feeling",
        "additional_info": {"spotify_id": f"https://open.spotify.com/track/{SPOTIFY}", "recording_mbid": MBID},
    }
    return {"listened_at": UTS, "track_metadata": metadata, **changed}


def archive(method=zipfile.ZIP_DEFLATED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    return file.getvalue()


def lines(*values):
    return "\n".join(json.dumps(value) for value in values)


def read(content):
    return list(exports.read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), now=NOW))


@contextmanager
def memory_within(limit):
    """Fail where more bytes than these are held at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


WHOLE = Listened("line 1", Music("Nina", "Feeling", SPOTIFY, MBID), AT, "listenbrainz")


def test_the_zip_of_listenbrainz_with_listens_likes_and_what_is_neither():
    feedback = [
        {"recording_mbid": MBID, "score": 1, "created": UTS},
        {"recording_mbid": MBID.upper(), "score": -1, "track_metadata": {"artist_name": "A", "track_name": "B"}},
        {"recording_mbid": MBID, "score": 0},
    ]
    found = read(
        archive(
            **{
                "user.json": '{"user_id": 1, "username": "ada"}',
                "pinned_recording.jsonl": lines({"blurb": "x"}),
                "feedback.jsonl": lines(*feedback),
                "listens/2021/11.jsonl": lines(listen(), listen(listened_at=UTS + 60)) + "\n\n",
                "listens/2021/12.jsonl": "",
            }
        )
    )
    assert found == [
        Judged("feedback.jsonl line 1", Music("", "", "", MBID), 1, AT),
        Judged("feedback.jsonl line 2", Music("A", "B", "", MBID), -1, NOW),
        Listened("listens/2021/11.jsonl line 1", WHOLE.music, AT, "listenbrainz"),
        Listened("listens/2021/11.jsonl line 2", WHOLE.music, AT.replace(minute=11), "listenbrainz"),
    ]


@pytest.mark.parametrize(
    ("created", "at"),
    [
        (UTS, AT),
        ("2021-11-06T20:10:00+01:00", AT),
        (1, FIRST_LISTEN),
        (UTS + 10**9, NOW),
        (None, NOW),
        (True, NOW),
        ("soon", NOW),
        (float("nan"), NOW),
    ],
)
def test_a_like_has_the_time_of_its_record_within_bounds_or_else_now(created, at):
    assert read(lines({"recording_mbid": MBID, "score": 1, "created": created})) == [
        Judged("line 1", Music("", "", "", MBID), 1, at)
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"listen_type": "import", "payload": [listen()]},
        {"payload": {"count": 1, "latest_listen_ts": UTS, "listens": [listen()], "user_id": "ada"}},
        {"listens": [listen()]},
        [listen()],
        [{"payload": [listen()]}],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_listenbrainz_as_its_api_writes_it(value, indent):
    (found,) = read(json.dumps(value, indent=indent))
    assert (found.music, found.at, found.source) == (WHOLE.music, AT, "listenbrainz")


def test_json_lines_alone_and_with_a_byte_order_mark():
    assert read(lines(listen())) == [WHOLE]
    assert read("\ufeff" + lines(listen(), listen()))[0] == WHOLE
    assert len(read(lines(*[listen()] * 500))) == 500


LASTFM = {
    "artist": {"mbid": "", "#text": "Nina"},
    "mbid": MBID,
    "name": "Feeling",
    "album": {"#text": "Best"},
    "date": {"uts": str(UTS), "#text": "06 Nov 2021, 19:10"},
}


@pytest.mark.parametrize(
    "value",
    [
        [{"track": [LASTFM], "@attr": {"page": "1"}}],
        {"recenttracks": {"track": [{**LASTFM, "date": None, "@attr": {"nowplaying": "true"}}, LASTFM]}},
        [{"recenttracks": {"track": [LASTFM]}}],
        {"username": "ada", "scrobbles": [{"artist": "Nina", "track": "Feeling", "mbid": MBID, "date": UTS * 1000}]},
        [LASTFM],
        {"track": [{**LASTFM, "artist": {"name": "Nina"}}]},
        {"recenttracks": {"track": LASTFM, "@attr": {"page": "1"}}},
        [{"track": LASTFM, "@attr": {"page": "1"}}],
        [{"recenttracks": {"track": LASTFM}}],
        {"track": LASTFM},
        [{"track": []}, {"recenttracks": {"track": []}}, {"track": [LASTFM]}],
    ],
)
def test_lastfm_as_exporters_write_its_json(value):
    (found,) = read(json.dumps(value))
    assert (found.music, found.at, found.source) == (Music("Nina", "Feeling", "", MBID), AT, "lastfm")


@pytest.mark.parametrize(
    "text",
    [
        "Nina,Best,Feeling,06 Nov 2021 19:10\n",
        "\ufeffartist,album,track,date\r\nNina,Best,Feeling,06 Nov 2021 19:10\r\n",
        f"uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n{UTS},x,Nina,,Best,,Feeling,\n",
        'Artist,Track,Album,Timestamp\n"Nina","Feeling","Best, of",2021-11-06T20:10:00+01:00\n',
        "artist,title,listened_at\nNina,Feeling,2021-11-06 19:10\n",
        f"artist,title,listened_at\nNina,Feeling,{UTS}.0\n",
    ],
)
def test_lastfm_as_exporters_write_its_csv(text):
    (found,) = read(text)
    assert (found.music, found.at, found.source) == (Music("Nina", "Feeling"), AT, "lastfm")


def test_a_record_that_is_no_page_is_rejected_and_not_passed_over():
    assert read(json.dumps([{**LASTFM, "name": None, "track": []}])) == [
        Broken("record 1", "the artist or the title is missing")
    ]


def test_an_export_of_pages_without_listens_has_none():
    assert read(json.dumps([{"track": []}])) == read(json.dumps({"recenttracks": {"track": []}})) == []


@pytest.mark.parametrize(("artist", "title"), [("[unknown]", "Feeling"), ("{Nina", "{}"), ("[1]", '[{"a": 1}]')])
def test_an_artist_in_brackets_makes_no_json_of_a_csv(artist, title):
    text = io.StringIO()
    csv.writer(text).writerows([[artist, "Best", title, "06 Nov 2021 19:10"]] * 2)
    assert [record.music for record in read(text.getvalue())] == [Music(artist, title)] * 2


def test_what_looks_like_a_row_is_json_where_its_first_name_is_quoted():
    (found,) = read(json.dumps({"ids": [1, 2, 3, 4], "payload": [listen()]}, separators=(",", ":")))
    assert found.music == WHOLE.music


@pytest.mark.parametrize(
    ("at", "is_to_the_minute"),
    [
        ("06 Nov 2021 19:10", True),
        ("06 Nov 2021, 19:10", True),
        ("2021-11-06 19:10", True),
        ("2021-11-06T20:10+01:00", True),
        ("2021-11-06 19:10:00", False),
        ("2021-11-06T20:10:00+01:00", False),
        (str(UTS), False),
        (f"{UTS}.0", False),
    ],
)
def test_a_moment_without_seconds_is_marked(at, is_to_the_minute):
    text = io.StringIO()
    csv.writer(text).writerows([["artist", "track", "date"], ["Nina", "Feeling", at]])
    for (found,) in (read(text.getvalue()), read(lines({**LASTFM, "date": {"#text": at}}))):
        assert (found.at, found.to_the_minute) == (AT, is_to_the_minute)
    assert not read(lines({**LASTFM, "date": {"uts": str(UTS), "#text": at}}))[0].to_the_minute


def test_names_with_commas_quotes_and_line_breaks_of_csv():
    text = io.StringIO()
    csv.writer(text).writerows([["Earth, Wind & Fire", "", 'The "One"\nTwo', "06 Nov 2021 19:10"]])
    assert read(text.getvalue())[0].music == Music("Earth, Wind & Fire", 'The "One"\nTwo')


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"listened_at": None}, "the time is missing"),
        ({"listened_at": "soon"}, "'soon' is no time"),
        ({"listened_at": True}, "the time is missing"),
        ({"listened_at": 1e300}, "'1e+300' is no time"),
        ({"listened_at": "0001-01-01T00:00:00+14:00"}, "'0001-01-01T00:00:00+14:00' is no time"),
        ({"listened_at": "9999-12-31T23:00:00-02:00"}, "'9999-12-31T23:00:00-02:00' is no time"),
        ({"listened_at": UTS + 10**9}, "2053-07-15 20:56 lies in the future or before 2002"),
        ({"listened_at": 0}, "1970-01-01 00:00 lies in the future or before 2002"),
        ({"track_metadata": {"artist_name": "", "track_name": "x"}}, "the artist or the title is missing"),
        ({"track_metadata": {"artist_name": ["x"], "track_name": "x"}}, "the artist or the title is missing"),
        (
            {"track_metadata": {"artist_name": "x" * 501, "track_name": "x"}},
            "the artist or the title is longer than 500 characters",
        ),
        (
            {"track_metadata": {"artist_name": "A\0B", "track_name": "x"}},
            "the artist or the title holds a character that is none: NUL, or half of one",
        ),
        (
            {"track_metadata": {"artist_name": "x", "track_name": "\ud800"}},
            "the artist or the title holds a character that is none: NUL, or half of one",
        ),
    ],
)
def test_it_rejects_a_record_with_the_reason_and_goes_on(changed, reason):
    assert read(lines(listen(**changed), listen())) == [
        Broken("line 1", reason),
        Listened("line 2", WHOLE.music, AT, "listenbrainz"),
    ]


def with_spotify(text):
    metadata = {"artist_name": "Nina", "track_name": "Feeling", "additional_info": {"spotify_id": text}}
    return record_of(listen(track_metadata=metadata), "line 1", NOW)


@pytest.mark.parametrize(
    ("text", "spotify_id"),
    [
        (f" {SPOTIFY}\n", SPOTIFY),
        (f"spotify:track:{SPOTIFY}", SPOTIFY),
        (f"https://open.spotify.com/intl-de/track/{SPOTIFY}?si={'1' * 22}&to=/{'2' * 22}", SPOTIFY),
        (f"https://open.spotify.com/track/{SPOTIFY}#a\nb", SPOTIFY),
        (f"https://open.spotify.com/track/{SPOTIFY}/", ""),
        (f"https://open.spotify.com/track/x{SPOTIFY}", ""),
        (f"https://elsewhere.example/track/{SPOTIFY}", ""),
        (f"https://open.spotify.com/track/{SPOTIFY}?si={'1' * 300}", ""),
        ("", ""),
    ],
)
def test_a_track_at_spotify_is_known_by_its_id_its_uri_and_its_link(text, spotify_id):
    assert with_spotify(text).music.spotify_id == spotify_id


@pytest.mark.parametrize("part", [f"/{'A' * 22}?", f"/{'A' * 22}", "/", ":A", "?", "#/"])
def test_a_long_text_for_an_id_costs_no_more_than_its_length(part, monkeypatch):
    for longest in (export_records.LONGEST_LINK, 10**6):
        monkeypatch.setattr(export_records, "LONGEST_LINK", longest)
        begin = time.process_time()
        with_spotify(part * (200_000 // len(part)) + "\nx")
        assert time.process_time() - begin < 0.5


def test_broken_lines_are_named_and_the_rest_is_read():
    text = "\n".join([lines(listen()), '{"listened_at": 16', "[1]", '"text"', lines(listen())])
    found = read(text)
    assert [record.where for record in found if isinstance(record, Listened)] == ["line 1", "line 5"]
    assert [record for record in found if isinstance(record, Broken)] == [
        Broken("line 2", "this is no JSON, or it is cut off"),
        Broken("line 3", "this is no object"),
        Broken("line 4", "this is no object"),
    ]


@pytest.mark.parametrize("around", ['{"payload": %s}', '{"artist": "a", "name": "b", "date": [%s]}'])
def test_a_line_that_is_nested_as_deeply_as_can_be_read_is_rejected(around, monkeypatch):
    """What Python reads depends on its version; here it is more than fits on the stack."""
    value = json.loads(around % 1)
    name = next(reversed(value))
    for _ in range(sys.getrecursionlimit() * 2):
        value = {**value, name: value if name == "payload" else [value[name]]}
    monkeypatch.setattr(json, "loads", lambda _: value)
    assert [record.where for record in read('{"a": 1}\n{"a": 1}')] == ["line 1", "line 2"]


def test_a_line_without_end_is_not_held():
    text = lines(listen()) + "\n" + '{"a": "' + "x" * 5_000_000 + '"}\n' + lines(listen())
    found = read(text)
    assert found[1] == Broken("line 2", "the line is longer than 64 KiB")
    assert found[2].where == "line 3"
    rows = "Nina,Best,Feeling,06 Nov 2021 19:10\n"
    found = read(rows + "x" * 5_000_000 + "\n" + rows)
    assert [type(record) for record in found] == [Listened, Broken, Listened]
    assert found[1] == Broken("line 2", "the line is longer than 64 KiB")
    found = read(rows + 'Nina,"Best\n' + "x" * 5_000_000 + '\n",Feeling,06 Nov 2021 19:10\n' + rows)
    assert found[1] == Broken("line 4", "the line is longer than 64 KiB")
    assert [type(record) for record in found] == [Listened, Broken, Listened]
    assert isinstance(read(rows.replace("Best", "B\0est"))[0], Listened)


def test_a_csv_row_that_is_too_short_is_rejected():
    found = read("artist,album,track,date\nNina\nNina,Best,Feeling,yesterday\n")
    assert found == [
        Broken("line 2", "the artist or the title is missing"),
        Broken("line 3", "'yesterday' is no time"),
    ]


def test_a_quote_that_is_never_closed_costs_its_row_and_no_other():
    row, many = "Nina,Best,Feeling,06 Nov 2021 19:10\n", csv.field_size_limit() // 36 + 100
    found = read(f'{row}Nina,Best,"Feeling,06 Nov 2021 19:10\n{row * many}')
    assert isinstance(found[0], Listened)
    assert [each.reason for each in found if isinstance(each, Broken)] == [
        "this is no row of a CSV (field larger than field limit (131072))"
    ]
    assert isinstance(found[-1], Listened)


@pytest.mark.parametrize("name", ["scrobbles", "listens", "track", "payload", "recenttracks"])
def test_json_on_one_long_line_is_no_line_of_records(name):
    page = [LASTFM] * 1000 if name != "recenttracks" else {"track": [LASTFM] * 1000}
    text = json.dumps({"username": "ada", name: page}, separators=(",", ":"))
    assert len(text) > exports.MAX_LINE
    assert [record.music.title for record in read(text) if isinstance(record, Listened)] == ["Feeling"] * 1000


TEXT = b'{"a": "' + b"x" * 50_000_000


def bomb(method=zipfile.ZIP_DEFLATED):
    return archive(method, **{"listens/2021/11.jsonl": TEXT})


def directory(names, *, wide=False):
    """Make a zip that names files and holds none; `wide` has the records that zip64 has at its end."""
    entries = b"".join(
        struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 8, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 4) + name
        for name in names
    )
    start, size, number = b"PK\3\4", len(entries), len(names)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, size, len(start), 0)
    if wide:
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, number, number, size, len(start))
        end += struct.pack("<4sLQL", b"PK\6\7", 0, len(start) + size, 1)
        end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return start + entries + end


def cut(content):
    return content[: len(content) // 2]


ALL = json.dumps({"payload": [listen()] * 500}, indent=1).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "no export that emotune knows"),
        (b"name,colour\nsky,blue\n", "artist, album, track and date"),
        (b'{"a": 1,\n "b": [2]}', "neither ListenBrainz's nor Last.fm's"),
        (b"[]", "neither ListenBrainz's nor Last.fm's"),
        (cut(ALL), "damaged or cut off"),
        (cut(archive(**{"listens/2021/11.jsonl": lines(*[listen(listened_at=n) for n in range(9999)])})), "unpacked"),
        (archive(**{"a.txt": "x"}), "holds no listens"),
        (b"PK\x05\x06" + bytes(18), "holds no listens"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"payload": ' + b'[{"a":' * 100_000, "nested too deeply"),
        (b'{"payload": [{"x": [' + b"1," * 300_000, "too large"),
        (b'{"payload": [{"listened_at": ' + b"9" * 9000 + b"}]}", "damaged"),
    ],
)
def test_it_refuses_what_is_no_whole_export_in_one_sentence(content, words):
    with pytest.raises(UnreadableExport, match=words):
        read(content)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (bomb, "more than 100 times"),
        (lambda: bomb(zipfile.ZIP_BZIP2), "Pack it by deflate"),
        (lambda: bomb(zipfile.ZIP_LZMA), "Pack it by deflate"),
        (lambda: gzip.compress(TEXT), "more than 100 times"),
    ],
    ids=["deflate", "bzip2", "lzma", "gzip"],
)
def test_it_refuses_a_bomb_in_bounded_memory(make, words):
    content = make()
    assert len(content) < 400_000
    with memory_within(4_000_000), pytest.raises(UnreadableExport, match=words):
        read(content)


@pytest.mark.parametrize("wide", [False, True])
def test_a_zip_that_names_very_many_files_is_refused_before_they_are_held(wide):
    assert read(archive(zipfile.ZIP_STORED, **{"a.jsonl": lines(listen())}))
    with pytest.raises(UnreadableExport, match="too many files"):
        read(directory([b"%d.jsonl" % n for n in range(5001)], wide=wide))
    content = directory([b"%d" % n for n in range(40_000)], wide=wide)
    with memory_within(4_000_000), pytest.raises(UnreadableExport, match="too many files"):
        read(content)


def test_an_export_may_be_packed_by_gzip():
    listens = [listen(listened_at=UTS + 60 * n) for n in range(500)]
    for text in (lines(*listens), json.dumps({"payload": listens}), "\ufeff" + lines(*listens)):
        packed = gzip.compress(text.encode(), 1)
        assert read(packed) == read(text)
        with pytest.raises(UnreadableExport, match="cannot be unpacked"):
            read(packed[:-100])
    with pytest.raises(UnreadableExport, match="empty"):
        read(gzip.compress(b" \n"))


def test_no_damage_makes_it_fail_in_another_way(tmp_path):
    """Of bytes changed at random in a packed file come records, broken ones or UnreadableExport, and nothing else."""
    chance, path = random.Random(8), tmp_path / "export"
    listens = lines(*[listen(listened_at=UTS + 60 * n) for n in range(50)])
    packed = [
        archive(method, **{"1.jsonl": listens, "2.csv": "Nina,,Feeling,06 Nov 2021 19:10\n"}) for method in (0, 8)
    ]
    for sound in (*packed, gzip.compress(listens.encode()), directory([b"a.jsonl"] * 3, wide=True)):
        for _ in range(150):
            data = bytearray(sound)
            for _ in range(chance.randrange(1, 6)):
                # the end, too, where a zip has its directory
                place = chance.choice([chance.randrange(len(data)), -chance.randrange(1, 100)])
                data[place] = chance.choice([0, 1, 255, chance.randrange(256)])
            path.write_bytes(data)
            with path.open("rb") as file, suppress(UnreadableExport):
                list(exports.read(file, now=NOW))


def test_it_refuses_a_zip_that_names_a_file_in_no_known_writing():
    content = archive(zipfile.ZIP_STORED, **{"ü.jsonl": lines(listen())})
    with pytest.raises(UnreadableExport):
        read(content.replace("ü".encode(), b"\xff\xfe"))


def test_it_refuses_an_encrypted_zip():
    content = bytearray(archive(**{"a.jsonl": lines(listen())}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    with pytest.raises(UnreadableExport, match="encrypted"):
        read(bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        b'{"payload": [{"a": "' + b"x" * 20_000_000,
        b'{"payload": [{"a": ' + b"1" * 20_000_000,
        b'{"payload": [{"' + b"x" * 20_000_000,
        b'{"a":\n"' + b"x" * 20_000_000,
        b'[{"track": [' + b" " * 20_000_000,
    ],
    ids=["text", "number", "name", "outside", "nothing"],
)
def test_a_value_without_end_is_not_held(content):
    file = io.BytesIO(content)
    with pytest.raises(UnreadableExport, match="too long for any listen"):
        list(exports.read(file, now=NOW))
    assert file.tell() < exports.MAX_VALUE + 200_000


def test_a_record_of_many_long_values_is_not_held():
    file = io.BytesIO(b'{"payload": [{' + (b'"a": "' + b"x" * 900_000 + b'",') * 30)
    with pytest.raises(UnreadableExport, match="too long for any listen"):
        list(exports.read(file, now=NOW))
    assert file.tell() < exports.MAX_RECORD + 200_000


def test_a_row_without_end_is_not_held():
    file = io.BytesIO(b"Nina,Best,Feeling,06 Nov 2021 19:10\n" + b'"x\n",' * 2_000_000)
    with pytest.raises(UnreadableExport, match="too long for any listen"):
        list(exports.read(file, now=NOW))
    assert file.tell() < exports.MAX_VALUE + 200_000


def test_what_is_too_long_is_asked_of_each_value_and_record_and_not_of_all(monkeypatch):
    long = listen(track_metadata={"artist_name": "Nina", "track_name": "x" * 900_000})
    found = read(json.dumps({"payload": [long, long, listen()]}))
    assert [type(record) for record in found] == [Broken, Broken, Listened]
    monkeypatch.setattr(exports, "MAX_VALUE", 70_000)  # as little as is read at once, and some more
    monkeypatch.setattr(exports, "MAX_RECORD", 70_000)
    many = [listen()] * 2000
    rows = "Nina,Best,Feeling,06 Nov 2021 19:10\n" * 5000
    for text in (json.dumps({"payload": {"listens": many}}), json.dumps(many, indent=1), lines(*many), rows):
        assert len(text) > 2 * exports.MAX_RECORD
        assert all(isinstance(record, Listened) for record in read(text))


def test_memory_does_not_grow_with_a_large_json():
    def peak(number):
        content = io.BytesIO(json.dumps({"payload": {"listens": [listen()] * number}}).encode())
        tracemalloc.start()
        try:
            assert sum(1 for _ in exports.read(content, now=NOW)) == number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(6_000) < peak(600) + 500_000
