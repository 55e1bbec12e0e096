"""Bringing a history from another service: on a worker, once, and taken back as a whole."""

import json
import re
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Track
from emotune import jobs, uploads
from emotune.errors import InvalidInput
from emotune.jobs import JobState
from playlists import import_work, imports, listening
from playlists.imports import remove_history_import, submit_history_import
from playlists.listening import delete_listens, rate, restore_listens
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


def liked(score=1, mbid=MBID):
    return {"recording_mbid": mbid, "score": score, "created": 1}


def export(*values):
    return ContentFile("\n".join(map(json.dumps, values)).encode(), "C:\\Users\\ada\\listens.jsonl")


def bring(user, *values, kind=""):
    job = submit_history_import(user=user, file=export(*values), kind=kind)
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
