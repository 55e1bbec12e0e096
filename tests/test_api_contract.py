"""The contract says all that the API does: nothing is left out, nothing is unclear, and its examples fit."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.core.management import call_command
from rest_framework.serializers import Field, FileField, ListField, ListSerializer, Serializer

from emotune.api.fields import BoundedListField, Input, UploadField
from emotune.api.schema import TAGS
from emotune.api.views import ApiView, contract
from tests.api_site import Route, routes

CONTRACT: dict[str, Any] = json.loads(contract())
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
]


# What lets parameters through that it does not know, and can misread nothing else.
LENIENT = {"get_track_audio", "listenbrainz_validate_token"}


def inherit(kind: type[Any]) -> Iterator[type[Any]]:
    for heir in kind.__subclasses__():
        yield heir
        yield from inherit(heir)


def resolve(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        names = part["$ref"].removeprefix("#/").split("/")
        part = CONTRACT
        for name in names:
            part = part[name]
    return part


def as_json_schema(part: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into what JSON Schema has for it."""
    if isinstance(part, list):
        return [as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: as_json_schema(value) for name, value in part.items() if name not in ("nullable", "example")}
    return {"anyOf": [found, {"type": "null"}]} if part.get("nullable") else found


def test_the_contract_is_made_without_a_warning_and_is_valid(tmp_path):
    call_command("spectacular", "--file", str(tmp_path / "schema.yaml"), "--validate", "--fail-on-warn")
    assert "openapi: 3.0" in (tmp_path / "schema.yaml").read_text()


def test_scripts_of_other_sites_may_send_and_read_every_header_of_the_contract(settings):
    operations = [operation for methods in CONTRACT["paths"].values() for operation in methods.values()]
    parameters = [parameter for operation in operations for parameter in operation.get("parameters", [])]
    sent = {parameter["name"].lower() for parameter in parameters if parameter["in"] == "header"}
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    answered = {name for answer in answers for name in answer.get("headers", {})}
    assert sent
    assert sent <= set(settings.CORS_ALLOW_HEADERS)
    assert {"ETag", "Content-Range"} <= answered
    assert answered <= {*settings.CORS_EXPOSE_HEADERS, "Last-Modified"}, "which every script may read"


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_every_route_and_method_is_in_the_contract(route: Route):
    described = {operation["operationId"] for methods in CONTRACT["paths"].values() for operation in methods.values()}
    assert issubclass(route.view, ApiView)
    assert route.methods
    for method in route.methods:
        handler = getattr(route.view, method)
        assert hasattr(handler, "contract"), f"{method} of {route.view.__name__} is not described"
        assert handler.contract.name in described


def test_a_route_without_words_is_found():
    """The test above would fail for a view like this one."""

    class Forgotten(ApiView):
        def get(self, request):
            """Nothing."""

    assert Route("forgotten", Forgotten, ()).methods == ["get"]
    assert not hasattr(Forgotten.get, "contract")


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_described_in_full(path, method, operation):
    assert 10 < len(operation["summary"]) < 120
    assert len(operation["description"]) > len(operation["summary"])
    assert "Needs" in operation["description"]
    assert set(operation["tags"]) <= set(TAGS)
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description"), parameter["name"]
    statuses = set(operation["responses"])
    assert {"429", "503"} <= statuses
    assert any(status.startswith("2") for status in statuses)
    if operation.get("security"):
        assert {"401", "403"} <= statuses
    if "{" in path:
        assert "404" in statuses
    if "requestBody" in operation:
        assert {"400", "411", "413", "415", "422"} <= statuses


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_names_the_errors_that_follow_from_what_it_is(path, method, operation):
    statuses = set(operation["responses"])
    assert "400" in statuses
    assert ("412" in statuses) == ("304" in statuses)
    assert ("410" in statuses) >= (method != "get")
    assert ("411" in statuses) == (method != "get")
    assert ("422" in statuses) or operation["operationId"] in LENIENT
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        assert {"409", "413", "415"} <= statuses


def test_audio_is_described_with_its_parts_and_with_what_a_program_keeps_of_it():
    answers = CONTRACT["paths"]["/api/v1/tracks/{track_id}/audio"]["get"]["responses"]
    assert {"Accept-Ranges", "ETag", "Last-Modified"} <= set(answers["200"]["headers"])
    assert {"Accept-Ranges", "Content-Range", "ETag"} <= set(answers["206"]["headers"])
    assert {"ETag", "Last-Modified"} <= set(answers["304"]["headers"])
    assert "Content-Range" in resolve(answers["416"])["headers"]


def test_files_are_sent_as_files():
    files = {}
    for operation in (operation for methods in CONTRACT["paths"].values() for operation in methods.values()):
        form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
        fields = resolve(form["schema"])["properties"] if form else {}
        for name, field in fields.items():
            if "format" in field.get("items", field):
                files[operation["operationId"], name] = field.get("items", field)["format"]
    assert files == {
        ("submit_capture", "frames"): "binary",
        ("submit_import", "file"): "binary",
        ("submit_history_import", "file"): "binary",
    }


def fields_of(form: Serializer[Any]) -> Iterator[Field[Any, Any, Any, Any]]:
    for field in form.fields.values():
        yield field
        if isinstance(field, ListField):
            yield field.child
        if isinstance(field, Serializer):
            yield from fields_of(field)


@pytest.mark.parametrize("form", [Input, *inherit(Input)], ids=lambda form: form.__name__)
def test_what_is_read_has_bounded_lists_and_files_that_are_sent(form: type[Input]):
    for field in fields_of(form()):
        assert not isinstance(field, ListSerializer), "use a BoundedListField"
        assert isinstance(field, BoundedListField) or not isinstance(field, ListField)
        assert isinstance(field, UploadField) or not isinstance(field, FileField)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_answer_has_words_headers_and_a_shape(path, method, operation):
    for status, answer in operation["responses"].items():
        found = resolve(answer)
        if status == "414":
            continue  # the web server's own
        assert found["description"]
        assert "X-RateLimit-Remaining" in found["headers"]
        if status in ("204", "304"):
            assert "content" not in found
        for kind, content in found.get("content", {}).items():
            assert (kind == "application/problem+json") == (int(status) >= 400)
            if kind == "application/json":
                assert resolve(content["schema"])["properties"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_body_of_json_has_an_example(path, method, operation):
    bodies = [operation.get("requestBody", {}).get("content", {})]
    bodies += [resolve(answer).get("content", {}) for answer in operation["responses"].values()]
    for content in bodies:
        if "application/json" in content:
            schema = resolve(content["application/json"]["schema"])
            item = resolve(schema["properties"].get("results", {}).get("items", {}))
            assert schema.get("example") or item.get("example"), schema


@pytest.mark.parametrize(
    "name", [name for name, shape in CONTRACT["components"]["schemas"].items() if "example" in shape]
)
def test_an_example_fits_its_shape(name):
    shape = CONTRACT["components"]["schemas"][name]
    whole = as_json_schema({**shape, "components": CONTRACT["components"]})
    jsonschema.validate(shape["example"], whole)
    assert set(shape["example"]) <= set(shape["properties"])


@pytest.mark.parametrize("name", sorted(CONTRACT["components"]["schemas"]))
def test_every_field_that_is_not_plain_has_words(name):
    plain = {"id", "title", "artist", "name", "email", "emotion", "track", "created_at", "started_at", "finished_at"}
    plain |= {"given_at", "rated_at", "listened_at", "joined_at", "activated_at", "tracks", "emotions", "results"}
    for field, shape in CONTRACT["components"]["schemas"][name].get("properties", {}).items():
        assert shape.get("description") or field in plain, field


@pytest.mark.django_db
def test_the_contract_is_served_as_it_is_and_not_twice(client):
    first = client.get("/api/v1/schema/")
    assert first.json() == CONTRACT
    assert client.get("/api/v1/schema", headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.django_db
def test_the_page_of_the_contract_is_made_of_local_files_alone(client):
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "http://" not in text
    assert "https://" not in text
    assert "swagger-ui-bundle" in text
    assert "unsafe" not in page["Content-Security-Policy"]
