"""The columns that a process keeps: while the catalogue changes, whoever asks goes on with the former ones."""

import threading

import pytest
from django.db import transaction

from catalogue.models import Clustering
from playlists import loading
from tests.factories import make_track
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(loading, "_kept", None)
    Clustering.objects.create(method="kmeans", centroids={}, state=Clustering.State.ACTIVE)
    make_track("sad")
    return loading.columns()


def test_who_asks_while_the_catalogue_is_read_anew_gets_the_former_columns_at_once(kept, monkeypatch):
    may_read, reads = threading.Event(), []

    def read(centroids, read=loading._read):
        reads.append(threading.current_thread())
        assert may_read.wait(30)
        return read(centroids)

    monkeypatch.setattr(loading, "_read", read)
    track = make_track("happy")
    for _ in range(5):
        assert loading.columns() is kept
    may_read.set()
    wait_until("the new columns", lambda: loading.columns() is not kept)
    assert track.pk in loading.columns().ids.tolist()
    assert len(reads) == 1
    assert reads[0] is not threading.main_thread()


def test_a_transaction_gets_the_columns_that_it_sees(kept):
    with transaction.atomic():
        track = make_track("happy")
        assert track.pk in loading.columns().ids.tolist()


def test_what_goes_wrong_is_logged_and_tried_again(kept, monkeypatch, caplog):
    def fail(centroids):
        raise ZeroDivisionError

    with monkeypatch.context() as context:
        context.setattr(loading, "_read", fail)
        make_track("happy")
        assert loading.columns() is kept
        wait_until("the log", lambda: "in the background" in caplog.text)
    wait_until("the new columns", lambda: len(loading.columns()) == 2)
