"""The dashboard asks for what /metrics really has, by labels that it really has, once something happened."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from detection import claims
from detection.models import Source, Status
from emotune import workers
from emotune.celery import app
from tests.factories import make_capture, make_user
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "emotune.json").read_text())
QUESTIONS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
# A name, what is chosen of it, and by what it is summed up.
NAME = re.compile(r"(emotune_\w+)(?:\{([^}]*)\})?")
SUMMED = re.compile(r"by \(([\w, ]+)\)")


@pytest.fixture
def labels_by_name(client):
    """What /metrics says after a page, a task, a capture read and one taken up again: each name with its labels."""

    @app.task(name="tests.counted")
    def counted():
        """Nothing."""

    try:
        counted.apply()
    finally:
        app.tasks.unregister("tests.counted")
    client.get("/")
    capture = make_capture(make_user(), source=Source.UPLOAD, status=Status.QUEUED, chosen="")
    taken = claims.claim(str(capture.pk), redelivered=False)
    assert taken
    again = claims.claim(str(capture.pk), redelivered=True)
    assert again
    assert claims.settle(again, Status.DONE, milliseconds=60.0)
    workers.Voice(workers.FACES).say()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_panel_asks_something():
    assert len(QUESTIONS) > 10
    assert all(NAME.search(question) for _, question in QUESTIONS)


def test_every_name_and_label_that_it_asks_for_is_there(labels_by_name):
    wrong = []
    for title, question in QUESTIONS:
        summed = {label.strip() for labels in SUMMED.findall(question) for label in labels.split(",")}
        for name, chosen in NAME.findall(question):
            labels = summed | set(re.findall(r"(\w+)[=!]", chosen))
            if name not in labels_by_name:
                wrong.append(f"{title}: there is no {name}")
            elif missing := labels - labels_by_name[name]:
                wrong.append(f"{title}: {name} has no {', '.join(sorted(missing))}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "name",
    ["requests", "queue_depth", "capture_wait_seconds", "reading_seconds", "captures", "capture_retries", "tasks"],
)
def test_it_shows_what_an_installation_has_to_be_watched_for(name):
    assert any(f"emotune_{name}" in question for _, question in QUESTIONS)
