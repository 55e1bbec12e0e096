"""What the tests of accounts share: a person with a password, links in messages, and limits that start afresh."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import User

PASSWORD = "violet-harbour-42"
NEW_PASSWORD = "amber-meadow-87"
LINK = re.compile(r"https?://testserver(/\S*)")


@pytest.fixture(autouse=True)
def quick_passwords_and_fresh_limits(settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


def make_person(email: str = "ada@example.org", *, verified: bool = True, **fields: Any) -> User:
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=verified)
    return user


def sign_up(client: Client, email: str, password: str = PASSWORD):
    return client.post("/accounts/signup/", {"email": email, "password1": password})


def log_in(client: Client, email: str = "ada@example.org", password: str = PASSWORD, **more: str):
    return client.post("/accounts/login/", {"login": email, "password": password, **more})


def is_logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def link_in(message: EmailMessage) -> str:
    """Return the path of the first link in a message."""
    found = LINK.search(str(message.body))
    assert found, message.body
    return found[1]
