"""What docs/privacy.md and docs/deployment.md say is thrown away by the clock: what is over goes, the rest stays."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import AccountEvent, ApiToken, Export, Happening
from accounts.retention import forget_old
from emotune.api.models import Submission
from emotune.celery import app
from emotune.retention import clear_sessions, forget_submissions
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def ago(**time: float):
    return timezone.now() - timedelta(**time)


@pytest.fixture
def user(settings, tmp_path):
    settings.MEDIA_ROOT = settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return make_user()


def left(model, name):
    return set(model.objects.values_list(name, flat=True))


def test_what_is_over_is_forgotten_of_accounts_and_nothing_else(user):
    AccountEvent.objects.all().delete()
    for days in (181, 179):
        AccountEvent.objects.create(
            user=user, kind=Happening.LOGGED_IN, detail=f"{days} days", happened_at=ago(days=days)
        )
    for name, dead in {
        "revoked 91": {"revoked_at": ago(days=91)},
        "revoked 89": {"revoked_at": ago(days=89)},
        "over 91": {"expires_at": ago(days=91)},
        "over 89": {"expires_at": ago(days=89)},
        "old and alive": {},
    }.items():
        ApiToken.objects.create(user=user, name=name, fingerprint=name, created_at=ago(days=400), **dead)
    for days in (31, 29):
        Export.objects.create(user=user, state="done", error=f"{days} days", finished_at=ago(days=days))
    Session.objects.create(session_key="live", expire_date=ago(days=-1))
    Session.objects.create(session_key="over", expire_date=ago(minutes=1))
    for key in ("live", "over", "logged out"):
        UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1", user_agent="Firefox")
    forget_old()
    assert left(AccountEvent, "detail") == {"179 days"}
    assert left(ApiToken, "name") == {"revoked 89", "over 89", "old and alive"}
    assert left(Export, "error") == {"29 days"}
    assert left(UserSession, "session_key") == {"live"}


def test_sessions_that_ended_are_cleared_and_those_that_live_stay():
    Session.objects.create(session_key="live", expire_date=ago(minutes=-1))
    Session.objects.create(session_key="over", expire_date=ago(minutes=1))
    clear_sessions()
    assert left(Session, "session_key") == {"live"}


def test_what_requests_with_a_key_made_is_forgotten_after_a_day(user):
    for hours in (25, 23):
        Submission.objects.create(user=user, key=f"{hours} hours", fingerprint="f", created_at=ago(hours=hours))
    forget_submissions()
    assert left(Submission, "key") == {"23 hours"}


@pytest.mark.parametrize(
    ("task", "every"),
    [
        ("accounts.forget_old", timedelta(hours=6)),
        ("emotune.clear_sessions", timedelta(days=1)),
        ("emotune.forget_submissions", timedelta(days=1)),
        ("emotune.refresh_jobs", timedelta(minutes=1)),
        ("detection.refresh_unwatched", timedelta(seconds=30)),
    ],
)
def test_the_clock_asks_for_it_as_often_as_the_documents_say(task, every):
    app.loader.import_default_modules()
    due = settings.CELERY_BEAT_SCHEDULE[task]
    assert (due["task"], due["schedule"], due["options"]) == (task, every, {"queue": "jobs"})
    assert task in app.tasks
