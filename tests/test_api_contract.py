"""The contract says all that the API does: nothing is left out, nothing is unclear, and its examples fit."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.core.management import call_command

from emotune.api.schema import TAGS
from emotune.api.views import ApiView, contract
from tests.api_site import Route, routes

CONTRACT: dict[str, Any] = json.loads(contract())
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
]


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
        assert {"400", "413", "415", "422"} <= statuses


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
