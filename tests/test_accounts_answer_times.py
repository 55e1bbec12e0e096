"""Answers at sign-up and reset are held until a whole quarter second, so that their time does not tell who is here."""

import pytest

from accounts import answer_times
from tests.accounts_site import quick_passwords_and_fresh_limits  # noqa: F401
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(settings, monkeypatch) -> list[float]:
    """The seconds for which answers were held; none of them is waited for."""
    seconds: list[float] = []
    settings.ACCOUNT_ANSWERS_EVERY = 0.25
    monkeypatch.setattr(answer_times, "sleep", seconds.append)
    return seconds


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize(("answered", "hold"), [(10.07, 0.18), (10.30, 0.20), (10.25, 0.25)])
def test_a_reset_is_held_until_a_whole_quarter_second_whoever_is_asked_about(
    client, held, monkeypatch, is_known, answered, hold
):
    clock = iter([10.0, answered])
    monkeypatch.setattr(answer_times, "monotonic", lambda: next(clock))
    email = make_user().email if is_known else "nobody@example.org"
    assert client.post("/accounts/password/reset/", {"email": email}).status_code == 302
    assert held == [pytest.approx(hold)]


def test_a_sign_up_is_held_and_nothing_else(client, held):
    client.post("/accounts/signup/", {"email": "new@example.org", "password1": "violet-harbour-43"})
    assert len(held) == 1
    client.post("/accounts/login/", {"login": "a@example.org", "password": "b"})
    client.get("/accounts/password/reset/")
    assert len(held) == 1


def test_who_asks_too_often_is_refused_at_once(client, held):
    answers = [client.post("/accounts/password/reset/", {"email": "a@example.org"}).status_code for _ in range(30)]
    assert answers[-1] == 429
    assert len(held) == answers.count(302)
