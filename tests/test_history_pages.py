"""The pages of what was heard and rated: to search, to rate in bulk, to delete and to undo."""

import html
import re
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from playlists.history import PER_PAGE
from playlists.models import Listen, NeverAgain, NeverArtist, Playlist, Rating
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/"}
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def hear(user, track=None, *, at=NOON, **fields):
    return Listen.objects.create(
        **{"user": user, "track": track or make_track(), "source": "audio", "listened_at": at, **fields}
    )


def page_of(browser, name="history", headers=None, **query):
    response = browser.get(reverse(f"playlists:{name}"), query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def titles(page):
    return re.findall(r'<p class="track-title">(.*?)</p>', page)


def found(pattern, page):
    return re.findall(pattern, page)[0]


def token_in(page):
    return found(r'name="token" value="([^"]+)"', page)


# --- what was heard -------------------------------------------------------------------------------------------------


def test_listens_stand_latest_first_with_time_source_and_mood(browser, person):
    capture = make_capture(person, chosen="happy")
    playlist = Playlist.objects.create(user=person, capture=capture, emotion="happy", seed=1)
    hear(make_user(), make_track(title="Not mine"))
    hear(person, make_track("fear", title="Earlier"), at=NOON - timedelta(days=1), source="lastfm")
    hear(person, make_track("sad", title="Later"), playlist=playlist, source="spotify")
    page = page_of(browser)
    assert titles(page) == ["Later", "Earlier"]
    assert "2 listens" in page
    assert '<time datetime="2026-03-14T12:00:00+00:00">14 March 2026, 12:00 UTC</time> · Spotify' in page
    assert f'<a href="{reverse("detection:show", args=[capture.id])}">played for feeling happy</a>' in page
    assert "Last.fm" in page
    assert re.search(r"</span> fear\s*</p>", page)


def test_an_empty_history_says_where_to_begin(browser):
    page = page_of(browser)
    assert "Nothing yet" in page
    assert reverse("detection:new") in page


def test_strangers_have_no_history(client):
    assert client.get(reverse("playlists:history")).url == "/accounts/login/?next=/history/"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "BLUE moon"}, ["Blue Moon"]),
        ({"q": "billie"}, ["Blue Moon"]),
        ({"q": "über"}, ["Über den Wolken"]),
        ({"q": "ÜBER"}, ["Über den Wolken"]),
        ({"q": "100%"}, ["100% pure"]),
        ({"emotion": "happy"}, ["100% pure"]),
        ({"emotion": "sad"}, ["Über den Wolken", "Blue Moon"]),
        ({"since": "2026-03-14"}, ["100% pure", "Über den Wolken"]),
        ({"until": "2026-03-13"}, ["Blue Moon"]),
        ({"since": "2026-03-14", "until": "2026-03-14", "q": "wolken"}, ["Über den Wolken"]),
        ({"q": "nothing of the kind"}, []),
    ],
)
def test_search_by_words_emotion_and_days(browser, person, query, expected):
    hear(person, make_track("sad", title="Blue Moon", artist="Billie"), at=NOON - timedelta(hours=13))
    hear(person, make_track("sad", title="Über den Wolken"))
    journey = Playlist.objects.create(user=person, emotion="happy", wanted="sad", asked=5, seed=1)
    hear(person, make_track("sad", title="100% pure"), at=NOON + timedelta(hours=11), playlist=journey)
    page = page_of(browser, **query)
    assert titles(page) == expected
    assert ("Nothing that you heard matches" in page) == (not expected)


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-13-45"},
        {"until": "yesterday"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"emotion": "joy"},
        {"q": "x" * 201},
        {"q": "nul\0"},
        {"page": "older-x"},
        {"page": "-1"},
    ],
)
def test_it_rejects_days_words_and_places_that_are_none(browser, query):
    response = browser.get(reverse("playlists:history"), query)
    assert response.status_code == 422
    assert "notice error" in response.content.decode()


def test_pages_go_back_and_forth_over_all_listens_even_of_one_moment(browser, person):
    for n in range(2 * PER_PAGE + 5):
        hear(person, make_track(title=f"{n:03d}"), at=NOON + timedelta(seconds=n // 10))
    expected = [f"{n:03d}" for n in reversed(range(2 * PER_PAGE + 5))]
    seen, addresses, page = [], [], page_of(browser)
    assert f"{2 * PER_PAGE + 5} listens" in page
    while True:
        seen += titles(page)
        further = re.search(r'rel="next" href="\?page=([^"]+)"', page)
        if not further:
            break
        addresses.append(further[1])
        page = page_of(browser, page=further[1])
    assert seen == expected
    newer = found(r'rel="prev" href="\?page=([^"]+)"', page)
    assert titles(page_of(browser, page=newer)) == expected[PER_PAGE : 2 * PER_PAGE]


def test_a_place_outlives_the_listen_that_it_names(browser, person):
    for n in range(PER_PAGE + 5):
        hear(person, make_track(title=f"{n:03d}"), at=NOON + timedelta(seconds=n))
    place = found(r'rel="next" href="\?page=([^"]+)"', page_of(browser))
    Listen.objects.filter(track__title__gte="005").delete()
    assert titles(page_of(browser, page=place)) == ["004", "003", "002", "001", "000"]


def test_a_page_that_was_emptied_leads_back_to_the_latest(browser, person):
    track, start = make_track(), timezone.now()
    for n in range(PER_PAGE + 1):
        hear(person, track, at=start - timedelta(minutes=n))
    older = found(r'rel="next" href="([^"]+)"', page_of(browser, "history", q=track.title))
    Listen.objects.filter(listened_at__lt=start - timedelta(minutes=PER_PAGE - 0.5)).delete()
    page = browser.get(reverse("playlists:history") + html.unescape(older)).content.decode()
    assert f'href="?{urlencode({"q": track.title})}">Back to the latest</a>' in page
    assert "matches" not in page


def test_a_track_that_was_heard_twice_is_rated_where_it_was_pressed(browser, person):
    track = make_track()
    for n in range(2):
        hear(person, track, at=timezone.now() - timedelta(minutes=n))
    page = page_of(browser, "history")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "#row-2" in page
    fragment = browser.post(
        reverse("playlists:rate", args=[track.id]), {"value": "1", "row": "2"}, headers={"HX-Request": "true"}
    )
    assert f'id="like-{track.id}-2"' in fragment.content.decode()


def test_filters_stay_when_the_page_turns(browser, person):
    for n in range(PER_PAGE + 1):
        hear(person, make_track(title=f"song {n}"), at=NOON + timedelta(seconds=n))
    page = page_of(browser, q="song", emotion="sad")
    assert re.search(r'rel="next" href="\?q=song&amp;emotion=sad&amp;page=older-\d+-\d+"', page)


def test_htmx_gets_the_list_alone(browser, person):
    hear(person)
    page = page_of(browser, headers=HTMX)
    assert "<html" not in page
    assert 'id="list"' in page


def test_a_search_or_a_page_takes_the_focus_to_how_many_there_are(browser, person):
    hear(person, make_track(title="Blue Moon"))
    Rating.objects.create(user=person, track=make_track(), value=1)
    focused = r'<h2 id="list-title" tabindex="-1" data-focus>([^<]+)</h2>'
    for name, query, words in (
        ("history", {"q": "moon"}, "1 listen"),
        ("history", {"q": "sun"}, "0 listens"),
        ("ratings", {"show": "liked"}, "1 track that you like"),
    ):
        assert re.findall(focused, page_of(browser, name, headers=HTMX, **query)) == [words]
        assert "data-focus" not in page_of(browser, name, **query)
    page = browser.post(reverse("playlists:bulk_rate"), {"value": "1"}, headers=HTMX).content.decode()
    assert page.count("data-focus") == 1  # on the words for what was done


def test_a_search_can_always_be_cleared(browser):
    clear = f'<a href="{reverse("playlists:history")}">Clear</a>'
    assert clear in page_of(browser)
    assert clear in page_of(browser, q="moon")


def test_names_of_tracks_are_text(browser, person):
    hear(person, make_track(title="<script>alert(1)</script>", artist='" onfocus="x'))
    page = page_of(browser, q='"><script>')
    assert "<script>alert" not in page
    assert "<script>" not in page.split("<body")[1].split("</body>")[0].replace("<script type", "")
    assert '" onfocus="x' not in page_of(browser)


def test_rows_say_whether_the_track_or_its_artist_is_kept_out(browser, person):
    by_track, by_artist, over = (make_track(title=name) for name in ("track", "artist", "over"))
    for n, track in enumerate((by_track, by_artist, over)):
        hear(person, track, at=NOON + timedelta(minutes=n))
    NeverAgain.objects.create(user=person, track=by_track)
    NeverArtist.objects.create(user=person, artist=by_artist.artist)
    NeverArtist.objects.create(user=person, artist=over.artist, until=timezone.now() - timedelta(days=1))
    page = page_of(browser)
    assert page.count("artist kept out") == 1
    assert page.count('class="tag">kept out') == 1
    assert page.count('name="undo"') == 1


# --- rating many at once --------------------------------------------------------------------------------------------


def test_chosen_rows_are_rated_at_once_and_undone_by_one_click(browser, person):
    tracks = [make_track() for _ in range(4)]
    heard = [hear(person, track, at=NOON + timedelta(minutes=n)) for n, track in enumerate(tracks)]
    before = Rating.objects.create(user=person, track=tracks[0], value=-1, rated_at=NOON)
    fields = {"listen": [listen.id for listen in heard[:3]], "value": "1", "list": "listens"}
    page = browser.post(reverse("playlists:bulk_rate"), fields, headers=HTMX).content.decode()
    assert "3 tracks liked." in page
    assert page.count('aria-pressed="true"') == 3
    assert set(Rating.objects.values_list("track", "value")) == {(track.id, 1) for track in tracks[:3]}
    page = browser.post(
        reverse("playlists:undo"), {"token": token_in(page), "list": "listens"}, headers=HTMX
    ).content.decode()
    assert "as they were" in page
    assert list(Rating.objects.values_list("track", "value", "rated_at")) == [(tracks[0].id, -1, before.rated_at)]


def rate_all(browser, tracks, value):
    fields = {"track": [track.id for track in tracks], "value": str(value)}
    return token_in(browser.post(reverse("playlists:bulk_rate"), fields, headers=HTMX).content.decode())


def take_back(browser, token):
    return browser.post(reverse("playlists:undo"), {"token": token}, headers=HTMX).content.decode()


@pytest.mark.parametrize("value", [1, 0])
def test_an_undo_leaves_what_was_rated_after(browser, person, value):
    tracks = [make_track() for _ in range(4)]
    for track in tracks:
        Rating.objects.create(user=person, track=track, value=-1, rated_at=NOON)
    first = rate_all(browser, tracks, value)
    rate_all(browser, tracks[:1], -1)
    rate_all(browser, tracks[1:2], 1)  # the same word, said anew
    page = take_back(browser, first)
    assert "as they were, except 2 that you changed since" in page
    found = {rating.track: rating for rating in Rating.objects.all()}
    assert [found[track].value for track in tracks] == [-1, 1, -1, -1]
    assert [found[track].rated_at == NOON for track in tracks] == [False, False, True, True]


def test_an_undo_of_what_was_all_changed_says_that_it_did_nothing(browser, person):
    track = make_track()
    first = rate_all(browser, [track], 0)  # there was no rating, and there still is none
    assert "as they were." in take_back(browser, first)
    rate_all(browser, [track], 1)
    assert "Nothing was undone" in take_back(browser, first)
    assert Rating.objects.get().value == 1


def test_a_second_press_on_undo_says_the_same(browser, person):
    token = rate_all(browser, [make_track(), make_track()], 1)
    for _ in range(2):
        assert "as they were." in take_back(browser, token)
    assert not Rating.objects.exists()


def test_an_undo_that_an_earlier_version_signed_is_refused(browser, person):
    track = make_track()
    old = signing.dumps(["ratings", [[track.id, 1, 0, ""]]], salt=f"playlists.undo.{person.pk}", compress=True)
    response = browser.post(reverse("playlists:undo"), {"token": old}, headers=HTMX)
    assert response.status_code == 422
    assert "can no longer be undone" in response.content.decode()
    assert not Rating.objects.exists()


@pytest.mark.parametrize(("minutes", "is_early"), [(59, True), (61, False)])
def test_what_was_done_can_be_undone_for_an_hour(browser, person, monkeypatch, minutes, is_early):
    listen = hear(person)
    rated = rate_all(browser, [listen.track], 1)
    fields = {"listen": listen.id, "list": "listens"}
    deleted = token_in(browser.post(reverse("playlists:listens_delete"), fields, headers=HTMX).content.decode())
    now = time.time() + 60 * minutes
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: now))
    for token in (rated, deleted):
        answer = browser.post(reverse("playlists:undo"), {"token": token}, headers=HTMX)
        assert answer.status_code == (200 if is_early else 422)
        assert ("can no longer be undone" in answer.content.decode()) is not is_early
    assert Listen.objects.exists() is is_early
    assert Rating.objects.exists() is not is_early


def test_rows_of_the_ratings_page_are_rated_too_and_leave_it(browser, person):
    tracks = [make_track() for _ in range(2)]
    for track in tracks:
        Rating.objects.create(user=person, track=track, value=1)
    assert "2 tracks that you like" in page_of(browser, "ratings")
    fields = {"track": [tracks[0].id], "value": "0", "list": "ratings"}
    page = browser.post(reverse("playlists:bulk_rate") + "?show=liked", fields, headers=HTMX).content.decode()
    assert "1 track no longer rated." in page
    assert titles(page) == [tracks[1].title]


def test_liked_and_disliked_are_apart(browser, person):
    for value in (1, -1):
        Rating.objects.create(user=person, track=make_track(title=f"rated {value}"), value=value)
    Rating.objects.create(user=make_user(), track=make_track(), value=1)
    assert titles(page_of(browser, "ratings")) == ["rated 1"]
    page = page_of(browser, "ratings", show="disliked")
    assert titles(page) == ["rated -1"]
    assert "1 track that you dislike" in page


def test_without_javascript_the_answer_stands_on_the_page_that_was_left(browser, person):
    listen = hear(person, make_track("happy"))
    address = reverse("playlists:bulk_rate") + "?emotion=happy"
    response = browser.post(address, {"listen": listen.id, "value": "1", "list": "listens"})
    assert response.url == reverse("playlists:history") + "?emotion=happy"
    page = browser.get(response.url).content.decode()
    assert "1 track liked." in page
    undo = browser.post(reverse("playlists:undo"), {"token": token_in(page), "list": "listens"})
    assert undo.status_code == 302
    assert not Rating.objects.exists()
    assert "1 track liked." not in browser.get(response.url).content.decode()


def test_nothing_chosen_is_said(browser, person):
    page = browser.post(reverse("playlists:bulk_rate"), {"value": "1"}, headers=HTMX).content.decode()
    assert "Choose some rows first" in page


@pytest.mark.parametrize("fields", [{"value": "2"}, {"value": "1", "track": "x"}, {"value": "1", "track": "9" * 30}])
def test_it_rejects_what_is_no_rating(browser, fields):
    track = make_track()
    fields = {"track": track.id, **fields}
    assert browser.post(reverse("playlists:bulk_rate"), fields, headers=HTMX).status_code == 422
    assert not Rating.objects.exists()


def test_another_persons_listens_cannot_be_rated_through(browser):
    listen = hear(make_user())
    browser.post(reverse("playlists:bulk_rate"), {"listen": listen.id, "value": "1"}, headers=HTMX)
    assert not Rating.objects.exists()


# --- deleting -------------------------------------------------------------------------------------------------------


def test_a_deleted_listen_comes_back_as_it_was(browser, person):
    playlist = Playlist.objects.create(user=person, emotion="sad", seed=1)
    listen, other = hear(person, playlist=playlist, source="spotify"), hear(person, at=NOON + timedelta(1))
    fields = {"listen": listen.id, "list": "listens"}
    page = browser.post(reverse("playlists:listens_delete"), fields, headers=HTMX).content.decode()
    assert "1 listen deleted." in page
    assert list(Listen.objects.all()) == [other]
    token = token_in(page)
    for _ in range(2):  # a double click
        browser.post(reverse("playlists:undo"), {"token": token, "list": "listens"}, headers=HTMX)
    back = Listen.objects.get(track=listen.track)
    assert (back.listened_at, back.source, back.playlist) == (NOON, "spotify", playlist)
    assert Listen.objects.count() == 2


def test_undo_works_when_the_track_or_the_playlist_has_gone(browser, person):
    playlist = Playlist.objects.create(user=person, emotion="sad", seed=1)
    kept, lost = hear(person, playlist=playlist), hear(person)
    fields = {"listen": [kept.id, lost.id], "list": "listens"}
    page = browser.post(reverse("playlists:listens_delete"), fields, headers=HTMX).content.decode()
    playlist.delete()
    lost.track.delete()
    page = browser.post(reverse("playlists:undo"), {"token": token_in(page)}, headers=HTMX).content.decode()
    assert "1 listen came back." in page
    assert Listen.objects.get().playlist is None


def test_another_persons_listen_stays(browser):
    listen = hear(make_user())
    page = browser.post(reverse("playlists:listens_delete"), {"listen": listen.id}, headers=HTMX).content.decode()
    assert "Nothing was deleted" in page
    assert Listen.objects.filter(id=listen.id).exists()


def test_it_rejects_an_undo_of_another_person_or_of_nobody(browser, person):
    other = make_user()
    stolen = signing.dumps(["listens", [[make_track().id, 0, "audio", None]]], salt=f"playlists.undo.{other.pk}")
    for token in (stolen, "", "made:up:token"):
        response = browser.post(reverse("playlists:undo"), {"token": token}, headers=HTMX)
        assert response.status_code == 422
        assert "can no longer be undone" in response.content.decode()
    assert not Listen.objects.exists()


def test_all_listens_go_after_a_question_and_ratings_stay(browser, person):
    for n in range(3):
        hear(person, at=NOON + timedelta(minutes=n))
    mine_not = hear(make_user())
    Rating.objects.create(user=person, track=mine_not.track, value=1)
    address = reverse("playlists:listens_delete_all")
    assert "Delete 3 listens" in browser.get(address).content.decode()
    assert Listen.objects.count() == 4
    assert "3 listens deleted." in browser.post(address, follow=True).content.decode()
    assert list(Listen.objects.all()) == [mine_not]
    assert Rating.objects.exists()
    assert "There are none." in browser.get(address).content.decode()


@pytest.mark.parametrize("name", ["bulk_rate", "listens_delete", "undo", "never_artist", "never_undo"])
def test_what_changes_something_is_posted_by_somebody(client, browser, name):
    assert browser.get(reverse(f"playlists:{name}")).status_code == 405
    client.logout()
    assert client.post(reverse(f"playlists:{name}")).url.startswith("/accounts/login/")


# --- as many queries for forty rows as for ten ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["history", "ratings"])
def test_a_list_asks_as_much_for_forty_rows_as_for_ten(browser, person, name, django_assert_max_num_queries):
    counts: list[int] = []
    for number, rows in ((10, 10), (30, 40)):
        for n in range(number):
            track = make_track("happy" if n % 2 else "sad")
            playlist = Playlist.objects.create(user=person, capture=make_capture(person), emotion="sad", seed=n)
            hear(person, track, at=timezone.now() - timedelta(seconds=n), playlist=playlist)
            Rating.objects.create(user=person, track=track, value=1)
            NeverArtist.objects.create(user=person, artist=track.artist)
        with django_assert_max_num_queries(10) as counted:
            assert page_of(browser, name).count('class="heard"') == rows
        counts.append(len(counted))
    assert counts[0] == counts[1]
