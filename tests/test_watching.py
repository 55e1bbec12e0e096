"""Health, figures and logs of a running installation."""

import io
import json
import logging
import re
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import get_resolver
from pythonjsonlogger.json import JsonFormatter

from emotune import logs, store, workers
from emotune.celery import app
from tests.servers import environment, manage, redis_that_is_away

pytestmark = pytest.mark.django_db


def lines_of(response, start):
    return [line for line in response.content.decode().splitlines() if line.startswith(start)]


def test_alive_needs_neither_database_nor_a_known_host(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (response.status_code, response.content) == (200, b"ok")


@pytest.fixture
def memory(monkeypatch):
    from fakeredis import FakeRedis

    found = FakeRedis()
    monkeypatch.setattr(store, "client", lambda: found)
    return found


def test_ready_once_a_reader_is_warm(client, memory):
    assert client.get("/readyz").json() == {"database": "ok", "broker": "ok", "reader": "no worker is warm"}
    voice = workers.Voice(workers.FACES)
    voice.say()
    assert client.get("/readyz").json()["reader"] == "no worker is warm"
    voice.is_warm = True
    voice.say()
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"database": "ok", "broker": "ok", "reader": "ok"}


def test_not_ready_without_broker(client, monkeypatch):
    monkeypatch.setattr(store, "client", redis_that_is_away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["broker"] == "does not answer"


def test_not_ready_without_database(client, memory):
    with patch.object(connection, "cursor", side_effect=OperationalError("gone")):
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "does not answer"


def test_requests_are_counted_by_view_and_never_by_path(client, memory):
    client.get("/captures/00000000-0000-4000-8000-000000000000/")
    client.get("/no/such/page/somebody@example.org")
    text = client.get("/metrics").content.decode()
    assert 'emotune_requests_total{method="GET",status="302",view="detection:show"}' in text
    assert 'view="none"' in text
    assert "somebody" not in text
    assert "00000000-0000" not in text


@pytest.mark.parametrize("given", [False, True])
def test_a_command_leaves_no_figures_behind(tmp_path, given):
    """Nothing would remove them."""
    folder = tmp_path / "data" / "metrics"
    env = environment(tmp_path, **{"PROMETHEUS_MULTIPROC_DIR": str(folder)} if given else {})
    count = "from emotune.metrics import CAPTURES; CAPTURES.labels('done').inc(); print(*CAPTURES.collect())"
    assert "value=1.0" in manage("shell", "-v0", "-c", count, env=env)
    assert list(folder.iterdir()) == []


def test_the_depth_of_the_queues_is_told(client, memory):
    memory.rpush(app.conf.task_default_queue, "one", "two")
    (line,) = lines_of(client.get("/metrics"), f'emotune_queue_depth{{queue="{app.conf.task_default_queue}"}}')
    assert line.endswith(" 2.0")


def test_figures_are_for_this_machine_unless_a_token_is_set(client, memory, settings):
    assert client.get("/metrics", REMOTE_ADDR="198.51.100.7").status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "198.51.100.7"}).status_code == 403
    settings.METRICS_TOKEN = "token-of-the-scraper"
    assert client.get("/metrics").status_code == 403
    answer = client.get(
        "/metrics", headers={"authorization": "Bearer token-of-the-scraper"}, REMOTE_ADDR="198.51.100.7"
    )
    assert answer.status_code == 200


def test_an_answer_carries_the_name_of_its_request(client):
    assert client.get("/", headers={"x-request-id": "proxy-1234567"})["X-Request-ID"] == "proxy-1234567"
    forged = client.get("/", headers={"x-request-id": "a b\tforged line"})["X-Request-ID"]
    assert len(forged) == 32


def test_a_message_carries_the_id_of_the_request_that_sent_it():
    logs.request_id.set("request-one")
    headers: dict[str, str] = {}
    logs.send_request_id(headers=headers)
    assert headers == {"request_id": "request-one"}


def test_a_task_logs_under_the_id_of_its_request():
    @app.task(name="tests.says", bind=True)
    def says(self):
        return logs.request_id.get()

    try:
        assert says.apply(headers={"request_id": "request-two"}).get() == "request-two"
    finally:
        app.tasks.unregister("tests.says")
    assert logs.request_id.get() == logs.NONE


@pytest.fixture
def handler():
    """What writes the log of this process, as settings say, but into memory."""
    (found,) = [
        each
        for each in logging.getLogger().handlers
        if isinstance(each, logging.StreamHandler)
        and any(isinstance(chosen, logs.RequestIdFilter) for chosen in each.filters)
    ]
    stream, formatter = found.setStream(io.StringIO()), found.formatter
    yield found
    found.setStream(stream)
    found.setFormatter(formatter)


def write_json(handler, settings):
    chosen = {key: value for key, value in settings.LOGGING["formatters"]["json"].items() if key != "()"}
    chosen["fmt"] = chosen.pop("format")
    handler.setFormatter(JsonFormatter(**chosen))


def test_a_line_of_json_has_the_fields_of_a_request(client, handler, settings):
    write_json(handler, settings)
    client.get("/?email=somebody@example.org", headers={"x-request-id": "proxy-1234567"})
    line = json.loads(handler.stream.getvalue())
    assert line["request_id"] == "proxy-1234567"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/", 200)
    assert line["level"] == "INFO"
    assert "somebody" not in str(line)


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/password/reset/key/1k-sEcReT-key/",
        "/accounts/confirm-email/sEcReT:key/",
        "/shared/sEcReT-token/",
        "/api/v1/shared/sEcReT-token",
        # as links come out of messages: what no view knows is logged too
        "/shared/sEcReT-token",
        "/shared//sEcReT-token/",
        "/accounts/confirm-email/sEcReT:key/>.",
    ],
)
@pytest.mark.parametrize("form", ["line", "json"])
def test_links_that_let_somebody_in_are_not_logged(handler, settings, path, form):
    """Neither by us nor by Django, which logs what is refused, in JSON with the whole request."""
    if form == "json":
        write_json(handler, settings)
    visitor = Client(enforce_csrf_checks=True, raise_request_exception=False)
    visitor.get(path + "?of=sEcReT")
    visitor.post(path)
    told = handler.stream.getvalue()
    assert told.count("GET ") >= 1
    assert told.count("POST ") >= 1
    assert "sEcReT" not in told


def routes(resolver, before="/"):
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        yield from routes(pattern, route) if hasattr(pattern, "url_patterns") else [route]


def test_no_address_with_a_secret_is_forgotten():
    starts = {
        re.split(r"\(\?P<|<", route)[0].replace("^", "")
        for route in routes(get_resolver())
        if re.search(r"<(\w+:)?(key|token|share_token|uidb36)>", route)
    }
    assert len(starts) == 4
    for start in starts:
        assert logs.fit_for_a_line(start + "sEcReT") == start + "…"


def test_what_an_operator_looks_for_stays_in_the_path(client, handler):
    client.get("/captures/00000000-0000-4000-8000-000000000000/")
    assert "GET /captures/00000000-0000-4000-8000-000000000000/ 302 " in handler.stream.getvalue()


@pytest.mark.parametrize("end", ["%0A", "%0D", "%0B", "%1B[2K", "%C2%85", "%E2%80%A8", "%E2%80%AE"])
def test_a_path_forges_no_line(client, handler, end):
    client.get(f"/nowhere{end}2026-01-01 00:00:00,000 INFO emotune.requests [-] forged/")
    told = handler.stream.getvalue().removesuffix("\n")
    assert "\n2026-01-01 00:00:00,000 INFO emotune.requests [-] forged" not in told
    assert told.count("\n") + 1 == len(told.splitlines())
    assert all(character.isprintable() for character in told.replace("\n", ""))


def test_a_forged_host_is_logged_as_one_line(client, caplog):
    client.raise_request_exception = False
    assert client.get("/", headers={"host": "forged.example"}).status_code == 400
    (record,) = [record for record in caplog.records if record.name == "django.security.DisallowedHost"]
    assert "forged.example" in record.getMessage()
    assert record.exc_info is None
