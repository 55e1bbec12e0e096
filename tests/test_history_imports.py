"""Bringing a history from another service: on a worker, once, and taken back as a whole."""

import json
import re
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, OperationalError
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Track
from emotune import jobs, uploads
from emotune.errors import InvalidInput
from emotune.jobs import JobState
from playlists import import_work, imports, listening
from playlists.import_views import PER_PAGE
from playlists.imports import remove_history_import, submit_history_import
from playlists.listening import Heard, add_listens, delete_listens, rate, restore_listens
from playlists.matching import TrackIndex
from playlists.models import HistoryImport, Listen, Rating
from playlists.services import recommend
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/import/"}
AT = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
MBID = "9a80555a-050d-4532-a684-6831d7d0ed5a"


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def no_files(settings, tmp_path):
    """Every test's files are gone when its imports are over."""
    settings.MEDIA_ROOT = tmp_path
    yield
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def heard(artist="Nina", title="Feeling", at=AT, **info):
    metadata = {"artist_name": artist, "track_name": title, "additional_info": info}
    return {"listened_at": int(at.timestamp()), "track_metadata": metadata}


def liked(score=1, mbid=MBID, at=AT):
    return {"recording_mbid": mbid, "score": score, "created": int(at.timestamp())}


def export(*values):
    return ContentFile("\n".join(map(json.dumps, values)).encode(), "C:\\Users\\ada\\listens.jsonl")


def rows(*moments, artist="Nina", title="Feeling"):
    """Return the CSV of Last.fm, whose moments have no seconds."""
    text = "".join(f"{artist},Best,{title},{at:%d %b %Y %H:%M}\n" for at in moments)
    return ContentFile(text.encode(), "nina.csv")


def bring(user, *values, kind="", file=None):
    job = submit_history_import(user=user, file=file or export(*values), kind=kind)
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    return job


def counts(job):
    return [job.rows, job.matched, job.repeated, job.unmatched, job.rated, job.rejected]


def test_listens_are_found_by_id_or_name_and_counted(person):
    by_name, by_spotify = make_track(title="Feeling", artist="NINA"), make_track()
    by_mbid = make_track(mbid=MBID)
    job = bring(
        person,
        heard(),
        heard(),
        heard("X", "Y", spotify_id=by_spotify.spotify_id),
        heard("X", "Y", at=AT + timedelta(1), recording_mbid=MBID),
        heard("Not", "There"),
        heard("Not", "There", at=AT + timedelta(1)),
        heard("", ""),
        liked(),
        liked(mbid="00000000-0000-4000-8000-000000000000"),
    )
    assert job.state == JobState.DONE, job.error
    assert counts(job) == [9, 3, 1, 3, 1, 1]
    assert job.rejects == [["line 7", "the artist or the title is missing"]]
    assert job.missing == [["Not", "There", 2]]
    assert job.name == "listens.jsonl"
    listens = {listen.track: listen for listen in Listen.objects.filter(user=person, imported=job)}
    assert listens.keys() == {by_name, by_spotify, by_mbid}
    assert (listens[by_name].listened_at, listens[by_name].source) == (AT, "listenbrainz")
    assert Rating.objects.get(user=person).track == by_mbid


def test_the_same_file_again_changes_nothing(person):
    make_track(title="Feeling", artist="Nina")
    bring(person, heard())
    again = bring(person, heard())
    assert counts(again) == [1, 0, 1, 0, 0, 0]
    assert Listen.objects.count() == 1
    assert remove_history_import(history_import=again) == 0
    assert Listen.objects.count() == 1


def test_the_same_history_without_seconds_changes_nothing(person):
    track, other = make_track(title="Feeling", artist="Nina"), make_track(title="Other", artist="Nina")
    bring(person, heard(at=AT + timedelta(seconds=35)))
    Listen.objects.create(user=person, track=track, source="audio", listened_at=AT + timedelta(minutes=5, seconds=0.7))
    moments = [AT, AT + timedelta(minutes=1), AT + timedelta(minutes=5), AT - timedelta(minutes=1)]
    assert counts(bring(person, file=rows(*moments)))[:3] == [4, 2, 2]
    assert counts(bring(person, file=rows(*moments)))[:3] == [4, 0, 4]
    assert counts(bring(make_user(), file=rows(*moments)))[:3] == [4, 4, 0]
    assert counts(bring(person, file=rows(*moments, title="Other")))[:3] == [4, 4, 0]
    assert Listen.objects.filter(user=person, track=other).count() == 4


def test_the_same_history_with_seconds_changes_nothing(person):
    track, _ = make_track(title="Feeling", artist="Nina"), make_track(title="Other", artist="Nina")
    bring(person, file=rows(AT))
    again = [heard(at=AT + timedelta(seconds=35)), heard(at=AT), heard(at=AT + timedelta(seconds=60))]
    assert counts(bring(person, *again, heard(title="Other", at=AT + timedelta(seconds=35))))[:3] == [4, 2, 2]
    assert counts(bring(make_user(), *again))[:3] == [3, 3, 0]
    # a player's listen may begin with a minute, too, and is no reason to leave another one out
    own = AT + timedelta(minutes=9)
    Listen.objects.create(user=person, track=track, source="audio", listened_at=own)
    assert bring(person, heard(at=own + timedelta(seconds=35))).matched == 1


def test_a_file_that_has_a_listen_with_and_without_seconds_has_it_once(person):
    make_track(title="Feeling", artist="Nina")
    whole = heard(at=AT + timedelta(seconds=35))
    cut = {"artist": "Nina", "track": "Feeling", "date": f"{AT:%d %b %Y %H:%M}"}
    for values in ([cut, whole], [whole, cut]):
        job = bring(person, *values)
        assert counts(job)[:3] == [2, 1, 1]
        assert Listen.objects.get().listened_at.second == 35
        remove_history_import(history_import=job)


def test_a_deleted_listen_comes_back_beside_another_one_of_its_minute(person):
    make_track(title="Feeling", artist="Nina")
    job = bring(person, heard(at=AT), heard(at=AT + timedelta(seconds=35)))
    assert job.matched == 2
    gone = delete_listens(user=person, listen_ids=[Listen.objects.get(listened_at__gt=AT).pk])
    assert restore_listens(user=person, listens=gone) == 1
    assert Listen.objects.count() == 2


def test_a_batch_asks_as_much_for_a_hundred_listens_as_for_two(person, django_assert_num_queries):
    make_track(title="Feeling", artist="Nina")
    for number in (2, 100):
        heard_then = [
            Heard(Track.objects.get().pk, AT + timedelta(days=number, minutes=n), to_the_minute=bool(n % 2))
            for n in range(number)
        ]
        with django_assert_num_queries(4):
            assert add_listens(user=person, listens=heard_then, by_minute=True) == number


def test_an_import_is_taken_back_as_a_whole(person):
    track, other = make_track(title="Feeling", artist="Nina", mbid=MBID), make_track()
    own = Listen.objects.create(user=person, track=track, source="audio")
    job = bring(person, heard(), heard(at=AT + timedelta(1)), liked())
    rate(user=person, track=other, value=1)
    assert remove_history_import(history_import=job) == 2
    assert list(Listen.objects.all()) == [own]
    assert Rating.objects.get().track == other
    assert not HistoryImport.objects.exists()


def test_a_persons_own_word_counts_more_than_an_imported_one(person):
    track = make_track(mbid=MBID)
    rate(user=person, track=track, value=-1)
    assert bring(person, liked()).rated == 0
    assert Rating.objects.get().value == -1


def test_imported_likes_keep_their_time_and_speak_after_what_the_person_said_since(person):
    old, undated = make_track(mbid=MBID), make_track(mbid="00000000-0000-4000-8000-000000000000")
    rate(user=person, track=make_track(), value=1)
    begin = timezone.now()
    bring(person, liked(), {"recording_mbid": undated.mbid, "score": 1})
    times = dict(Rating.objects.values_list("track", "rated_at"))
    assert times[old.pk] == AT
    assert begin < times[undated.pk] < timezone.now()
    latest = Rating.objects.order_by("-rated_at").values_list("track", flat=True)
    assert latest[2] == old.pk


@pytest.mark.parametrize("batch", [1, 10])
def test_of_several_words_on_a_track_the_latest_stands_and_is_counted_once(person, monkeypatch, batch):
    monkeypatch.setattr(import_work, "BATCH", batch)
    track = make_track(mbid=MBID)
    later = AT + timedelta(1)
    for words in (
        [liked(-1, at=later), liked(1)],
        [liked(1), liked(-1, at=later)],
        [liked(1, at=later), liked(-1, at=later)],
    ):
        job = bring(person, *words)
        rating = Rating.objects.get()
        assert (rating.track, rating.value, rating.rated_at, rating.imported) == (track, -1, later, job)
        assert counts(job) == [2, 0, 0, 0, 1, 0]
        remove_history_import(history_import=job)


def test_an_imported_like_that_is_given_anew_outlives_the_import(person):
    track = make_track(mbid=MBID)
    job = bring(person, liked())
    rate(user=person, track=track, value=-1)
    remove_history_import(history_import=job)
    assert Rating.objects.get().value == -1


def test_a_deleted_listen_does_not_come_back_after_its_import_was_removed(person):
    make_track(title="Feeling", artist="Nina")
    job = bring(person, heard())
    gone = delete_listens(user=person, listen_ids=[Listen.objects.get().pk])
    assert restore_listens(user=person, listens=gone) == 1
    assert Listen.objects.get().imported == job
    gone = delete_listens(user=person, listen_ids=[Listen.objects.get().pk])
    remove_history_import(history_import=job)
    assert restore_listens(user=person, listens=gone) == 0


def test_taste_begins_with_what_was_imported(person):
    tracks = [make_track("happy", title=f"Song {n}", artist="Nina", genre="soul") for n in range(20)]
    for n in range(20):
        make_track("sad", title=f"Sad {n}", artist="Nina" if n == 7 else f"Artist {n}")
    before = {item.track.title: item.score for item in recommend(emotion="sad", user=person, k=20)}
    bring(person, *[heard("Nina", track.title, at=AT + timedelta(hours=n)) for n, track in enumerate(tracks)])
    after = {item.track.title: item.score for item in recommend(emotion="sad", user=person, k=20)}
    gain = {title: after[title] - before[title] for title in before}
    assert gain["Sad 7"] > statistics.median(gain.values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no export\n", "no export that emotune knows"),
        (b"PK\x03\x04 cut", "cannot be unpacked"),
        (json.dumps({"payload": [heard()] * 50}, indent=1).encode()[:4000], "damaged or cut off"),
    ],
)
def test_a_file_that_is_no_export_changes_nothing_and_says_why(person, content, words):
    make_track(title="Feeling", artist="Nina")
    job = submit_history_import(user=person, file=ContentFile(content, "x.json"))
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert words in job.error
    assert not Listen.objects.exists()


def test_a_cancelled_import_leaves_nothing(person, monkeypatch):
    make_track(title="Feeling", artist="Nina")
    monkeypatch.setattr(import_work, "BATCH", 2)
    monkeypatch.setattr(jobs, "REPORT_S", 0)
    values = [heard(at=AT + timedelta(n)) for n in range(9)]
    job = submit_history_import(user=person, file=export(*values))

    def then_cancel(**given):
        jobs.request_cancel(HistoryImport.objects.get())
        return listening.add_listens(**given)

    monkeypatch.setattr(import_work, "add_listens", then_cancel)
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert not Listen.objects.exists()


def test_an_import_whose_worker_died_goes_on_and_counts_all(person):
    make_track(title="Feeling", artist="Nina")
    job = submit_history_import(user=person, file=export(*[heard(at=AT + timedelta(n)) for n in range(5)]))
    track = Track.objects.get()
    Listen.objects.create(user=person, track=track, source="listenbrainz", listened_at=AT, imported=job)
    HistoryImport.objects.update(attempts=1)
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    assert counts(job)[:3] == [5, 5, 0]
    assert Listen.objects.filter(track=track).count() == 5


def test_what_stands_twice_in_a_file_is_counted_once_by_a_second_attempt_too(person, monkeypatch):
    monkeypatch.setattr(import_work, "BATCH", 2)
    track = make_track(title="Feeling", artist="Nina", mbid=MBID)
    days = [AT + timedelta(n) for n in (0, 1, 2, 0, 1, 3)]
    job = submit_history_import(user=person, file=export(*[heard(at=at) for at in days], liked(), liked()))
    for at in days[:3]:
        Listen.objects.create(user=person, track=track, source="listenbrainz", listened_at=at, imported=job)
    Rating.objects.create(user=person, track=track, value=1, rated_at=AT, imported=job)
    HistoryImport.objects.update(attempts=1)
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    assert counts(job) == [8, 4, 2, 0, 1, 0]


def test_a_track_that_is_deleted_during_an_import_costs_its_records_alone(person, monkeypatch):
    gone, _ = make_track(title="Gone", artist="Nina", mbid=MBID), make_track(title="Feeling", artist="Nina")
    find = TrackIndex.find

    def then_delete(index, music):
        found = find(index, music)
        Track.objects.filter(pk=gone.pk).delete()
        return found

    monkeypatch.setattr(TrackIndex, "find", then_delete)
    job = bring(person, heard(title="Gone"), heard(), liked())
    assert job.state == JobState.DONE, job.error
    assert counts(job) == [3, 1, 0, 2, 0, 0]
    assert job.missing == [["Nina", "Gone", 1]]


def test_a_batch_during_which_a_track_is_deleted_is_noted_again_without_it(person, monkeypatch):
    gone, _ = make_track(title="Gone", artist="Nina"), make_track(title="Feeling", artist="Nina")
    store = import_work._Import._store
    noted = []

    def then_delete(job, found):
        try:
            return store(job, found)
        except IntegrityError:
            gone.delete()
            raise

    def once_too_late(**given):
        noted.append(listening.add_listens(**given))
        if len(noted) == 1:
            raise IntegrityError("a listen's track is not there")  # as databases say it when a transaction ends

    monkeypatch.setattr(import_work._Import, "_store", then_delete)
    monkeypatch.setattr(import_work, "add_listens", once_too_late)
    job = bring(person, heard(title="Gone"), heard())
    assert job.state == JobState.DONE, job.error
    assert noted == [2, 1]
    assert counts(job) == [2, 1, 0, 1, 0, 0]


def ended_halfway(person):
    """Make an import whose end was noted by somebody who died before it was carried out."""
    job = submit_history_import(user=person, file=export(heard()))
    Listen.objects.create(user=person, track=Track.objects.get(), source="lastfm", listened_at=AT, imported=job)
    Rating.objects.create(user=person, track=Track.objects.get(), value=1, imported=job)
    HistoryImport.objects.update(state=JobState.FAILED, error=jobs.GAVE_UP)
    return job


def test_an_end_that_was_interrupted_is_carried_out_by_the_clock(person):
    make_track(title="Feeling", artist="Nina")
    job = ended_halfway(person)
    for _ in range(2):
        jobs.refresh_all()
        assert not Listen.objects.exists()
        assert not Rating.objects.exists()
    job.refresh_from_db()
    assert (job.state, job.file.name) == (JobState.FAILED, "")


def test_a_worker_that_was_silent_while_its_import_was_ended_notes_nothing_more(person, monkeypatch):
    make_track(title="Feeling", artist="Nina")
    job = submit_history_import(user=person, file=export(heard()))
    find = TrackIndex.find

    def then_end(index, music):
        jobs._finish(HistoryImport.objects.get(), JobState.FAILED, jobs.GAVE_UP)
        return find(index, music)

    monkeypatch.setattr(TrackIndex, "find", then_end)
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.FAILED, jobs.GAVE_UP)
    assert not Listen.objects.exists()


def test_the_next_import_finds_nothing_of_one_whose_end_was_interrupted(person):
    make_track(title="Feeling", artist="Nina")
    ended_halfway(person)
    job = bring(person, heard())
    jobs.refresh_all()
    assert counts(job)[:3] == [1, 1, 0]
    assert Listen.objects.get().imported == job


def test_one_import_at_a_time(person):
    job = submit_history_import(user=person, file=export(heard()))
    with pytest.raises(InvalidInput, match="still under way"):
        submit_history_import(user=person, file=export(heard()))
    with pytest.raises(InvalidInput, match="Cancel it first"):
        remove_history_import(history_import=job)
    submit_history_import(user=make_user(), file=export(heard()))
    for waiting in HistoryImport.objects.all():
        jobs.request_cancel(waiting)
    assert submit_history_import(user=person, file=export(heard()))
    jobs.request_cancel(HistoryImport.objects.get(state=JobState.QUEUED))


def test_a_file_whose_row_cannot_be_written_is_not_kept(person, monkeypatch):
    def away(*_args, **_options):
        raise OperationalError("the database is away")

    monkeypatch.setattr(HistoryImport, "save", away)
    with pytest.raises(OperationalError):
        submit_history_import(user=person, file=export(heard()))  # `no_files` looks for what is left


def test_it_rejects_empty_and_huge_files_and_other_kinds(person, monkeypatch):
    with pytest.raises(InvalidInput, match="empty"):
        submit_history_import(user=person, file=ContentFile(b"", "x"))
    with pytest.raises(InvalidInput, match="comes from one of"):
        submit_history_import(user=person, file=export(heard()), kind="radio")
    monkeypatch.setattr(imports, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="more than"):
        submit_history_import(user=person, file=export(heard()))
    assert not HistoryImport.objects.exists()


# --- the page -------------------------------------------------------------------------------------------------------


def upload(browser, *values, **fields):
    return browser.post(reverse("playlists:import"), {"file": export(*values), **fields})


def test_from_the_form_to_the_counts(browser, person):
    make_track(title="Feeling", artist="Nina")
    assert upload(browser, heard(), heard("<b>Not", "There"), heard("", "")).url == reverse("playlists:import")
    page = browser.get(reverse("playlists:import")).content.decode()
    job = HistoryImport.objects.get()
    address = reverse("playlists:import_progress", args=[job.pk])
    assert "Waiting for a worker" in page
    assert f'hx-get="{address}?seen=' in page
    assert 'hx-trigger="every 1s"' in page
    import_work.import_history(str(job.pk))
    page = browser.get(address, headers=HTMX).content.decode()
    assert "hx-get" not in page
    assert "<dt>new listens</dt><dd>1</dd>" in page
    assert "&lt;b&gt;Not" in page
    assert "line 3" in page
    assert browser.get(address).url == reverse("playlists:import")
    page = browser.post(reverse("playlists:import_remove", args=[job.pk]), headers=HTMX).content.decode()
    assert "with it 1 listen." in page
    assert not Listen.objects.exists()


def polled(browser, page):
    """Do what the fragment does by itself."""
    return browser.get(re.findall(r'hx-get="([^"]+)"', page)[0].replace("&amp;", "&"), headers=HTMX)


def test_an_import_is_sent_again_only_when_something_changed_and_its_end_is_announced(browser, person):
    upload(browser, heard())
    job = HistoryImport.objects.get()
    page = browser.get(reverse("playlists:import")).content.decode()
    assert polled(browser, page).status_code == 204
    with jobs.running(job) as run:
        assert run
        run.step(1, 5, "reading <records> & more")
        page = polled(browser, page).content.decode()
        assert "Reading &lt;records&gt; &amp; more: 1 records of about 5" in page
        assert f'id="cancel-{job.pk}"' in page  # htmx gives the focus back to what has an id
        assert "toasts" not in page
        assert polled(browser, page).status_code == 204
    page = polled(browser, page).content.decode()
    assert f'<div id="toasts" hx-swap-oob="innerHTML"><div class="toast"><p>The import of {job.name} is done.' in page
    assert "data-focus" not in page
    assert "hx-get" not in page
    assert 'hx-swap-oob="' not in browser.get(reverse("playlists:import")).content.decode()
    job.file.delete()


def test_removing_an_import_asks_first_without_javascript(browser, person):
    make_track(title="Feeling", artist="Nina")
    job = bring(person, heard())
    address = reverse("playlists:import_remove", args=[job.pk])
    assert f'href="{address}" hx-post="{address}"' in browser.get(reverse("playlists:import")).content.decode()
    page = browser.get(address).content.decode()
    assert "<h1>Remove this import?</h1>" in page
    assert job.name in page
    assert Listen.objects.exists()
    assert browser.post(address).url == reverse("playlists:import")
    assert "with it 1 listen." in browser.get(reverse("playlists:import")).content.decode()
    assert not Listen.objects.exists()


def test_an_import_is_cancelled_by_a_button(browser, person):
    upload(browser, heard())
    job = HistoryImport.objects.get()
    page = browser.post(reverse("playlists:import_cancel", args=[job.pk]), headers=HTMX).content.decode()
    assert "Cancelled: nothing of it was kept." in page
    assert 'tabindex="-1" data-focus>listens.jsonl</h3>' in page  # the button is gone
    assert "toasts" not in page
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.parametrize("name", ["import_progress", "import_cancel", "import_remove"])
def test_another_persons_import_is_not_there(browser, name):
    job = submit_history_import(user=make_user(), file=export(heard()))
    address = reverse(f"playlists:{name}", args=[job.pk])
    for ask in [browser.get] if name == "import_progress" else [browser.get, browser.post]:
        assert ask(address, headers=HTMX).status_code == (405 if (ask, name) == (browser.get, "import_cancel") else 404)
    assert str(job.pk) not in browser.get(reverse("playlists:import")).content.decode()
    jobs.request_cancel(job)


def test_a_form_without_a_file_and_a_second_press_are_answered(browser, person):
    assert browser.post(reverse("playlists:import"), {"kind": ""}).status_code == 422
    upload(browser, heard())
    answer = upload(browser, heard())
    assert answer.status_code == 422
    assert "still under way" in answer.content.decode()
    jobs.request_cancel(HistoryImport.objects.get())


def test_the_secret_of_the_form_is_asked_for(person, client):
    client.handler.enforce_csrf_checks = True
    client.force_login(person)
    assert upload(client, heard()).status_code == 403
    assert not HistoryImport.objects.exists()


def test_strangers_are_sent_to_the_login_and_larger_bodies_are_refused(client, browser, settings, monkeypatch):
    settings.LARGER_BODIES = {"/history/import/": 1000}
    monkeypatch.setattr(uploads, "drain", lambda request: None)
    answer = upload(browser, *[heard()] * 50)
    assert answer.status_code == 413
    assert not HistoryImport.objects.exists()
    client.logout()
    assert client.get(reverse("playlists:import")).url.startswith("/accounts/login/")


def test_the_list_of_imports_asks_as_much_for_ten_as_for_two(browser, person, django_assert_max_num_queries):
    counted = []
    for number in (2, 8):
        for n in range(number):
            HistoryImport.objects.create(
                user=person, name=f"{n}", state=JobState.DONE, created_at=timezone.now(), finished_at=timezone.now()
            )
        with django_assert_max_num_queries(6) as queries_made:
            browser.get(reverse("playlists:import"))
        counted.append(len(queries_made))
    assert counted[0] == counted[1]


def test_every_import_can_be_reached_page_by_page(browser, person):
    for n in range(2 * PER_PAGE + 3):
        HistoryImport.objects.create(
            user=person, name=f"number-{n}", state=JobState.DONE, created_at=AT + timedelta(hours=n // 3)
        )
    seen: list[str] = []
    for number in (1, 2, 3):
        page = browser.get(reverse("playlists:import"), {"page": number}).content.decode()
        shown = re.findall(r"<h3>(number-\d+)</h3>", page)
        assert len(shown) <= PER_PAGE
        seen += shown
        assert (f'rel="next" href="?page={number + 1}"' in page) == (number < 3)
    assert len(seen) == len(set(seen)) == 2 * PER_PAGE + 3
    assert 'aria-label="Pages of your imports"' in page
    assert "Page 3 of 3" in page
    assert seen[-1] in {"number-0", "number-1", "number-2"}
