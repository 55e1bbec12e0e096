"""What a person does not want to hear again: tracks and artists, for ever or until a day."""

import html
import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.core import signing
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Track
from catalogue.staging import renew_revision
from emotune.errors import InvalidInput
from playlists import never_views, undo
from playlists.history import PER_PAGE
from playlists.listening import never_artist
from playlists.models import NeverAgain, NeverArtist
from playlists.queries import Said, said_of
from playlists.services import recommend
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/never/"}
NEVER = "/history/never/"


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def post(browser, name, *args, **fields):
    return browser.post(reverse(f"playlists:{name}", args=args), fields, headers=HTMX)


def test_an_artist_is_kept_out_of_playlists_until_it_is_taken_back(person):
    for n in range(4):
        make_track("sad", artist="The Same" if n % 2 else f"Another {n}")
    assert never_artist(user=person, artist=" The Same ") == "The Same"
    never_artist(user=person, artist="The Same")
    assert NeverArtist.objects.count() == 1
    assert "The Same" not in {item.track.artist for item in recommend(emotion="sad", user=person)}
    assert len(recommend(emotion="sad", user=make_user())) == 4
    never_artist(user=person, artist="The Same", undo=True)
    assert len(recommend(emotion="sad", user=person)) == 4


def test_lists_say_whose_artist_is_kept_out_and_leave_their_tracks_out_of_what_plays(browser, person):
    track, other = make_track("sad", artist="The Same"), make_track("sad", artist="Another")
    never_artist(user=person, artist="The Same")
    page = browser.get("/tracks/").content.decode()
    rows = {
        int(number): row for number, row in re.findall(r'<li class="track" id="track-(\d+)"(.*?)</li>', page, re.DOTALL)
    }
    assert "data-kept-out" in rows[track.pk]
    assert ">artist kept out</a>" in rows[track.pk]
    assert "kept-out" not in rows[other.pk]


def test_without_javascript_a_list_says_itself_what_was_kept_out(browser):
    track = make_track("sad", title="Blue")
    page = browser.post(reverse("playlists:never_track", args=[track.pk]), {"next": "/tracks/"}, follow=True)
    assert page.redirect_chain == [("/tracks/", 302)]
    assert "Blue will not be played to you." in page.content.decode()
    assert "will not be played" not in browser.get(reverse("playlists:history")).content.decode()


def test_an_artist_comes_back_at_the_end(person):
    make_track("sad", artist="The Same")
    never_artist(user=person, artist="The Same", until=timezone.now() + timedelta(days=1))
    assert not recommend(emotion="sad", user=person)
    NeverArtist.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert recommend(emotion="sad", user=person)


def test_an_artist_stays_kept_out_under_a_name_that_an_import_spells_otherwise(person):
    tracks = [make_track("sad", artist="Bjork") for _ in range(2)]
    other = make_track("sad", artist="Another")
    never_artist(user=person, artist="Bjork")
    Track.objects.filter(artist="Bjork").update(artist="Bj\u00f6rk")
    renew_revision()
    assert {item.track for item in recommend(emotion="sad", user=person)} == {other}
    found = said_of(person, [*Track.objects.filter(artist="Bj\u00f6rk"), other])
    assert [found[track.id].never_artist for track in (*tracks, other)] == [True, True, False]
    never_artist(user=person, artist="Bjork", undo=True)
    assert len(recommend(emotion="sad", user=person)) == 3


def test_a_track_that_proved_to_be_by_somebody_else_keeps_out_nobody_but_whom_was_named(person):
    first, same, other = (make_track("sad", artist=artist) for artist in ("The Same", "The Same", "Another"))
    never_artist(user=person, artist="The Same")
    Track.objects.filter(id=first.id).update(artist="Another")
    assert {item.track for item in recommend(emotion="sad", user=person)} == {first, other}
    found = said_of(person, Track.objects.all())
    assert [found[track.id].never_artist for track in (first, same, other)] == [False, True, False]
    never_artist(user=person, artist="The Same")
    Track.objects.filter(id=same.id).update(artist="Same, The")
    assert {item.track for item in recommend(emotion="sad", user=person)} == {first, other}, "the latest word counts"
    Track.objects.filter(id=same.id).delete()
    assert NeverArtist.objects.get().track is None


@pytest.mark.parametrize("artist", ["", "  ", "Nobody of the catalogue", "nul\0"])
def test_it_rejects_artists_who_are_not_in_the_catalogue(person, artist):
    make_track(artist="Somebody")
    with pytest.raises(InvalidInput, match="no artist"):
        never_artist(user=person, artist=artist)


@pytest.mark.parametrize("fields", [{}, {"undo": "1"}])
def test_a_nul_which_postgresql_cannot_look_for_is_in_no_name(browser, person, fields):
    with pytest.raises(InvalidInput, match="no artist"):
        never_artist(user=person, artist="nul\0", undo=bool(fields))
    assert post(browser, "never_artist", artist="\0", **fields).status_code == 422


def test_the_page_lists_ones_own_and_what_lasts(browser, person):
    track = make_track(title="Worn out", artist="Old Hat")
    NeverAgain.objects.create(user=person, track=track, until=datetime(2099, 12, 24, tzinfo=UTC))
    NeverAgain.objects.create(user=person, track=make_track(title="Over"), until=timezone.now() - timedelta(days=1))
    NeverAgain.objects.create(user=make_user(), track=make_track(title="Not mine"))
    NeverArtist.objects.create(user=person, artist="Loud & Louder")
    page = browser.get(NEVER).content.decode()
    assert "Worn out" in page
    assert "until 24 December 2099" in page
    assert "Loud &amp; Louder" in page
    assert "for ever" in page
    assert "Over<" not in page
    assert "Not mine" not in page


def test_search_offers_tracks_and_artists_to_keep_out(browser):
    track = make_track(title="Blue Moon", artist="Billie")
    page = browser.get(NEVER, {"title": "blue"}).content.decode()
    assert "Everything by Billie" in page
    assert reverse("playlists:never_track", args=[track.id]) in page
    assert "Nothing in the catalogue matches" in browser.get(NEVER, {"artist": "xyz"}).content.decode()


def test_the_sign_of_a_row_of_the_history_follows_its_button(browser):
    track = make_track()
    page = post(browser, "never_track", track.id, row="3").content.decode()
    assert '<span id="kept-3" hx-swap-oob="true"><span class="tag">kept out</span></span>' in page
    page = post(browser, "never_track", track.id, row="3", undo="1").content.decode()
    assert '<span id="kept-3" hx-swap-oob="true"></span>' in page
    assert "kept-" not in post(browser, "never_track", track.id).content.decode()


def test_a_track_is_kept_out_until_a_day_and_let_in_again_with_undo(browser, person):
    track = make_track(title="Blue Moon")
    page = post(browser, "never_track", track.id, list="never", until="2099-12-24").content.decode()
    assert "Blue Moon will not be played to you." in page
    assert NeverAgain.objects.get(user=person).until == datetime(2099, 12, 24, tzinfo=UTC)
    page = post(browser, "never_track", track.id, list="never", undo="1").content.decode()
    assert not NeverAgain.objects.exists()
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    assert "kept out as before" in post(browser, "never_undo", token=token).content.decode()
    assert NeverAgain.objects.get(user=person).until == datetime(2099, 12, 24, tzinfo=UTC)


def test_an_artist_is_kept_out_and_that_is_undone(browser, person):
    make_track(artist="Billie")
    page = post(browser, "never_artist", artist="Billie").content.decode()
    assert "Nothing by Billie will be played to you." in page
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    assert "may be played again" in post(browser, "never_undo", token=token).content.decode()
    assert not NeverArtist.objects.exists()


def test_an_artist_that_the_catalogue_has_lost_can_be_let_in(browser, person):
    NeverArtist.objects.create(user=person, artist="Gone")
    assert post(browser, "never_artist", artist="Gone", undo="1").status_code == 200
    assert not NeverArtist.objects.exists()


@pytest.fixture
def respelled(person):
    track = make_track("sad", artist="Bjork")
    never_artist(user=person, artist="Bjork")
    Track.objects.update(artist="Bj\u00f6rk")
    renew_revision()
    return track


def test_an_artist_who_is_kept_out_under_a_former_name_can_be_given_another_day(browser, person, respelled):
    assert post(browser, "never_artist", artist="Bjork", until="2099-12-24").status_code == 200
    row = NeverArtist.objects.get(user=person)
    assert (row.until, row.track) == (datetime(2099, 12, 24, tzinfo=UTC), respelled)
    assert not recommend(emotion="sad", user=person)
    with pytest.raises(InvalidInput, match="no artist"):
        never_artist(user=make_user(), artist="Bjork")


def test_an_artist_of_a_former_name_who_was_let_in_is_kept_out_as_before_with_undo(browser, person, respelled):
    page = post(browser, "never_artist", artist="Bjork", undo="1").content.decode()
    assert recommend(emotion="sad", user=person)
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    assert "kept out as before" in post(browser, "never_undo", token=token).content.decode()
    assert NeverArtist.objects.get(user=person).track == respelled
    assert not recommend(emotion="sad", user=person)
    NeverArtist.objects.all().delete()
    respelled.delete()
    post(browser, "never_undo", token=token)
    assert NeverArtist.objects.get(user=person).track is None


def test_a_token_of_the_version_before_does_not_say_by_which_track_an_artist_was_known(person, respelled):
    NeverArtist.objects.all().delete()
    salt = f"playlists.undo.{person.pk}"
    for name, track in (("Bj\u00f6rk", respelled), ("Bjork", None)):
        token = signing.dumps(["artist", [[name, True, None]]], salt=salt, compress=True)
        assert undo.undo(user=person, token=token) == "It is kept out as before."
        assert NeverArtist.objects.get(artist=name).track == track


def test_a_track_that_the_version_before_deleted_keeps_out_nobody(person):
    first, other = make_track("sad", artist="The Same"), make_track("sad", artist="Another")
    never_artist(user=person, artist="The Same")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalogue_track WHERE id = %s", [first.pk])
    connection.check_constraints()
    assert NeverArtist.objects.get().track_id == first.pk
    assert [item.track for item in recommend(emotion="sad", user=person)] == [other]
    assert said_of(person, [other])[other.pk] == Said()
    same = make_track("sad", artist="The Same")
    assert said_of(person, [same])[same.pk].never_artist
    assert [item.track for item in recommend(emotion="sad", user=person)] == [other]
    assert never_artist(user=person, artist="The Same") == "The Same"
    assert NeverArtist.objects.get().track == same


def test_the_button_beside_a_track_is_pressed_and_released(browser, person):
    track = make_track()
    page = post(browser, "never_track", track.id).content.decode()
    assert 'aria-pressed="true"' in page
    assert 'name="undo"' in page
    page = post(browser, "never_track", track.id, undo="1").content.decode()
    assert 'aria-pressed="false"' in page
    assert not NeverAgain.objects.exists()


def test_without_javascript_it_leads_back_to_where_the_button_stood(browser):
    track = make_track()
    address = reverse("playlists:never_track", args=[track.id])
    assert browser.post(address, {"next": "/tracks/?page=2"}).url == "/tracks/?page=2"
    assert browser.post(address, {"next": "https://elsewhere.example/"}).url == NEVER
    assert browser.post(address).url == NEVER + "?"
    assert "will not be played" in browser.get(NEVER).content.decode()


@pytest.mark.parametrize("clock", [time(0), time(12), time(23, 59, 59)])
def test_the_first_day_on_offer_is_the_first_that_is_taken(browser, person, monkeypatch, clock):
    moment = datetime.combine(datetime.now(UTC), clock, UTC)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    monkeypatch.setattr(never_views, "datetime", Stopped)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    track, today = make_track(title="Blue Moon"), moment.date()
    first = re.findall(r'name="until" min="([^"]+)"', browser.get(NEVER, {"title": "blue"}).content.decode())[0]
    assert first == (today + timedelta(days=1)).isoformat()
    assert post(browser, "never_track", track.id, list="never", until=today.isoformat()).status_code == 422
    assert not NeverAgain.objects.exists()
    assert post(browser, "never_track", track.id, list="never", until=first).status_code == 200
    assert NeverAgain.objects.get(user=person).until == datetime.combine(today, time(), UTC) + timedelta(days=1)


def test_what_is_kept_out_can_be_let_in_again_or_given_another_day(browser, person):
    NeverAgain.objects.create(user=person, track=make_track(title="Blue Moon"))
    page = browser.get(NEVER).content.decode()
    assert 'aria-label="Let it in again: Blue Moon">Let it in again</button>' in page
    assert '<summary aria-label="Change the date: Blue Moon">Change the date</summary>' in page
    assert "Play " not in page.partition("<main")[2].partition("</main>")[0]


def test_a_search_takes_the_focus_to_how_many_tracks_were_found(browser):
    for n in range(12):
        make_track(title=f"Blue {n}")
    focused = r'<h2 id="[\w-]+" tabindex="-1" data-focus>([^<]+)</h2>'
    for query, words in (
        ({"title": "blue"}, "12 tracks found, the first 10"),
        ({"title": "blue 7"}, "1 track found"),
        ({"title": "red"}, "Nothing found"),
        ({}, "Kept out"),
    ):
        assert re.findall(focused, browser.get(NEVER, query, headers=HTMX).content.decode()) == [words]
        assert "data-focus" not in browser.get(NEVER, query).content.decode()
    page = post(browser, "never_artist", artist=make_track().artist).content.decode()
    assert page.count("data-focus") == 1  # on the words for what was done


def test_a_search_can_always_be_cleared(browser):
    for query in ({}, {"title": "blue"}):
        assert f'<a href="{NEVER}">Clear</a>' in browser.get(NEVER, query).content.decode()


@pytest.mark.parametrize("until", ["2020-01-01", "2026-02-30", "soon", "9999-12-31"])
def test_it_rejects_ends_that_are_past_or_no_days(browser, until):
    assert post(browser, "never_track", make_track().id, until=until).status_code == 422
    assert not NeverAgain.objects.exists()


def test_a_track_that_is_not_there_is_404(browser):
    assert post(browser, "never_track", 0).status_code == 404


def test_names_are_text(browser, person):
    NeverArtist.objects.create(user=person, artist="<img src=x onerror=alert(1)>")
    make_track(title='"><script>alert(1)</script>')
    page = browser.get(NEVER, {"title": "script"}).content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page


def test_the_page_asks_as_much_for_twenty_as_for_ten(browser, person, django_assert_max_num_queries):
    counts = []
    for _ in range(2):
        for _ in range(10):
            NeverAgain.objects.create(user=person, track=make_track())
            NeverArtist.objects.create(user=person, artist=make_track().artist)
        with django_assert_max_num_queries(10) as counted:
            browser.get(NEVER, {"title": "Title"})
        counts.append(len(counted))
    assert counts[0] == counts[1]


def keep_out(person, tracks=0, artists=0):
    start = timezone.now() - timedelta(days=1)
    for n in range(tracks):
        at = start + timedelta(seconds=n // 10)
        NeverAgain.objects.create(user=person, track=make_track(title=f"track {n:03d}"), created_at=at)
    for n in range(artists):
        NeverArtist.objects.create(user=person, artist=f"artist {n:03d}", created_at=start + timedelta(seconds=n // 10))


def kept(page):
    return re.findall(r'aria-label="Let it in again: ([^"]+)"', page)


def way(rel, page):
    found = re.search(rf'rel="{rel}" href="([^"]+)" hx-get="\1" hx-target="#list"', page)
    return html.unescape(found[1]) if found else ""


@pytest.mark.parametrize("name", ["track", "artist"])
def test_a_long_list_is_turned_over_page_by_page(browser, person, name):
    keep_out(person, tracks=2 * PER_PAGE + 5, artists=2 * PER_PAGE + 5)
    make_track(title="blue")
    expected = [f"{name} {n:03d}" for n in reversed(range(2 * PER_PAGE + 5))]
    page = browser.get(NEVER, {"title": "blue"}).content.decode()
    assert len(kept(page)) == 2 * PER_PAGE
    assert f"<h3>{2 * PER_PAGE + 5} {name}s</h3>" in page
    seen = [what for what in kept(page) if what.startswith(name)]
    older = next(address for address in re.findall(r'rel="next" href="([^"]+)"', page) if f"show={name}s" in address)
    while older:
        assert "title=blue" in older
        page = browser.get(NEVER + html.unescape(older), headers=HTMX).content.decode()
        assert f'id="list-title" tabindex="-1" data-focus>Further {name}s</h2>' in page
        assert page.count("data-focus") == 1
        assert "1 track found" in page
        seen += kept(page)
        older = way("next", page)
    assert seen == expected
    newer = browser.get(NEVER + way("prev", page)).content.decode()
    assert kept(newer) == expected[PER_PAGE : 2 * PER_PAGE]


def test_what_is_done_on_a_further_page_leads_back_to_it_and_can_be_undone(browser, person):
    keep_out(person, tracks=PER_PAGE + 2, artists=1)
    place = way("next", browser.get(NEVER).content.decode())
    page = browser.get(NEVER + place).content.decode()
    assert kept(page) == ["track 001", "track 000"]
    let_in = html.unescape(re.findall(r'<form method="post" action="([^"]+)" hx-post="\1"', page)[0])
    assert let_in.endswith(place)
    fields = {"list": "never", "undo": "1"}
    assert browser.post(let_in, fields).url == NEVER + place
    assert kept(browser.get(NEVER + place).content.decode()) == ["track 000"]
    address = reverse("playlists:never_track", args=[NeverAgain.objects.earliest("id").track_id]) + place
    page = browser.post(address, fields, headers=HTMX).content.decode()
    assert kept(page) == []
    assert "No further tracks" in page
    assert f'<a class="button quiet" href="{NEVER}">Back to the latest</a>' in page
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    page = browser.post(reverse("playlists:never_undo") + place, {"token": token}, headers=HTMX).content.decode()
    assert "kept out as before" in page
    assert "track 000" in kept(browser.get(NEVER).content.decode())  # kept out anew, it is the latest


def test_a_place_that_is_none_is_refused_and_one_of_no_list_is_not_looked_at(browser, person):
    keep_out(person, tracks=1, artists=1)
    assert browser.get(NEVER, {"show": "tracks", "page": "older-x"}).status_code == 422
    for query in ({"page": "older-x"}, {"show": "moods", "page": "older-1-1"}, {"show": "tracks"}):
        assert len(kept(browser.get(NEVER, query).content.decode())) == 2
