"""What every answer of an installation for other people says to browsers, under the settings it really starts with."""

import json
import os
import subprocess
import sys

import pytest

from tests.servers import ROOT
from tests.test_production import FIT

ASK = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
client, said = Client(headers={"host": "music.example.org", "x-forwarded-proto": "https"}), {}
for path in ("/", "/about/", "/accounts/signup/", "/static/css/emotune.css", "/api/v1/emotions", "/nowhere/"):
    answer = client.get(path)
    cookies = {name: dict(cookie) for name, cookie in answer.cookies.items()}
    said[path] = {"status": answer.status_code, "headers": dict(answer.items()), "cookies": cookies}
plain = Client(headers={"host": "music.example.org"}).get("/about/?a=1")
said["plain"] = {"status": plain.status_code, "headers": dict(plain.items()), "cookies": {}}
names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE", "DEBUG")
said["settings"] = {name: getattr(settings, name) for name in names}
print(json.dumps(said))
"""
PAGES = ("/", "/about/", "/accounts/signup/")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # nothing is there at these addresses: none of the pages needs a database
    away = {"DATABASE_URL": "postgres://emotune@127.0.0.1:1/emotune", "REDIS_URL": "redis://127.0.0.1:1/0"}
    env = {"EMOTUNE_DIR": str(tmp_path_factory.mktemp("production")), "DJANGO_SETTINGS_MODULE": "emotune.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=kept | FIT | env | away,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", [*PAGES, "/static/css/emotune.css", "/api/v1/emotions", "/nowhere/"])
def test_every_answer_is_guarded(said, path):
    headers = said[path]["headers"]
    assert headers["Strict-Transport-Security"] == "max-age=3600"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Content-Security-Policy" in headers
    assert "Server" not in headers


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_nothing_from_elsewhere_and_be_framed_by_nobody(said, path):
    headers = said[path]["headers"]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert said[path]["status"] == 200
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "frame-src": "https://open.spotify.com",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Permissions-Policy"].startswith("camera=(self), microphone=(), geolocation=()")


def test_cookies_go_by_https_alone_and_not_to_other_sites(said):
    cookie = said["/accounts/signup/"]["cookies"]["csrftoken"]
    assert (cookie["secure"], cookie["samesite"]) == (True, "Lax")
    assert said["settings"] == {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "DEBUG": False,
    }


def test_strangers_get_no_cookie_before_they_open_a_form(said):
    assert not said["/"]["cookies"]
    assert not said["/about/"]["cookies"]


def test_plain_http_is_sent_to_https(said):
    assert said["plain"]["status"] == 301
    assert said["plain"]["headers"]["Location"] == "https://music.example.org/about/?a=1"
