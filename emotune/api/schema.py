"""The contract: what each operation says of itself, made into OpenAPI by drf-spectacular."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import Serializer

from emotune.api.permissions import ANY, IN_PERSON, OPEN, scope_of
from emotune.api.problems import CONTENT_TYPE, KINDS, MOST_ERRORS, Kind

F = TypeVar("F", bound=Callable[..., Any])
Shape = type[Serializer[Any]]

TAGS = {
    "captures": "One showing of a face, or a mood named by hand, and what came of it.",
    "tracks": "The catalogue, what fits an emotion, and the seven emotions themselves.",
    "playlists": "Playlists for the mood of a capture, and journeys from one mood to another.",
    "listens": "What was heard, in our words and in ListenBrainz's.",
    "ratings": "What a person thinks of tracks.",
    "me": "The person: profile, consent, preferences, tokens, export and deletion.",
    "catalogue": "Imports and clusterings, for those who run the site.",
    "about": "The contract itself, the kinds of problems, and how well the site is.",
}
RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Reset-In")
HEADERS = {
    "X-RateLimit-Limit": ("integer", "How many requests a minute this token, person or address has."),
    "X-RateLimit-Remaining": ("integer", "How many of them are left."),
    "X-RateLimit-Reset": ("integer", "When they are all there again, in seconds since 1970."),
    "X-RateLimit-Reset-In": ("integer", "In how many seconds that is."),
    "Retry-After": ("integer", "In how many seconds it is worth asking again."),
    "WWW-Authenticate": ("string", "How to log in."),
    "Location": ("string", "The address of what was made."),
    "Accept-Ranges": ("string", "`bytes`: a part can be asked for by the header Range."),
    "Content-Range": ("string", "Which part it is, `*` for none, and of how many bytes."),
    "Last-Modified": ("string", "When it was last changed."),
    "ETag": ("string", "What to send in If-None-Match the next time."),
    "Idempotency-Replayed": ("string", "`true` when an earlier request with this Idempotency-Key made it."),
}
PATH_PARAMETERS = {
    "capture_id": "The capture's id.",
    "emotion": "One of the seven emotions.",
    "clustering_id": "The clustering's id.",
    "export_id": "The export's id.",
    "history_import_id": "The import's id.",
    "import_id": "The import's id.",
    "run_id": "The run's id.",
    "listen_id": "The listen's id.",
    "token_id": "The token's id.",
    "kind": "The last part of a problem's `type`.",
    "playlist_id": "The playlist's id.",
    "share_token": "The last part of a shared playlist's link.",
    "spotify_id": "The track's id at Spotify, 22 letters and digits.",
    "track_id": "The track's id in this catalogue.",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own name for this submission, such as a UUID. Sent again within a day, it makes nothing twice.",
    pattern=r"^[!-~]{1,255}$",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of what you have: 304 says that it is this."
)


@dataclass(frozen=True)
class Contract:
    """What an operation says of itself.

    `answers` are its shapes by status, None for no body; a string names the content types of one that is no JSON.
    `errors` are statuses that its kind of operation does not have anyway.
    """

    name: str
    tag: str
    answers: Mapping[int, Shape | str | None]
    body: Shape | Mapping[str, Shape] | None = None
    query: Shape | None = None
    idempotent: bool = False
    errors: tuple[int, ...] = ()
    headers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def operation(
    name: str,
    tag: str,
    answers: Mapping[int, Shape | str | None],
    *,
    body: Shape | Mapping[str, Shape] | None = None,
    query: Shape | None = None,
    idempotent: bool = False,
    errors: tuple[int, ...] = (),
    headers: Mapping[int, tuple[str, ...]] | None = None,
) -> Callable[[F], F]:
    """Describe an operation. Its summary is the first line of its docstring, its description all of it."""
    contract = Contract(name, tag, answers, body, query, idempotent, errors, headers or {})

    def describe(method: F) -> F:
        method.contract = contract  # type: ignore[attr-defined]
        return method

    return describe


def contract_of(view: Any, method: str) -> Contract | None:
    return getattr(getattr(view, method.lower(), None), "contract", None)


class ContractSchema(AutoSchema):
    """Reads contracts, and adds to each what follows from the kind of operation it is."""

    @property
    def contract(self) -> Contract:
        found = contract_of(self.view, self.method)
        if found is None:
            raise LookupError(f"{self.method} {self.path} has no contract")
        return found

    @property
    def scope(self) -> str:
        return scope_of(self.view, self.method)

    def is_excluded(self) -> bool:
        return contract_of(self.view, self.method) is None

    def get_operation_id(self) -> str:
        return self.contract.name

    def get_summary(self) -> str:
        return self._words().partition("\n")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]
        needs = {
            OPEN: "Needs no login.",
            ANY: "Needs no scope: any token may do this.",
            IN_PERSON: "Needs a login in person: a token may not do this.",
            "admin": "Needs the scope `admin`, and a person who runs this site.",
        }
        return f"{self._words()}\n\n{needs.get(self.scope, f'Needs the scope `{self.scope}`.')}"

    def _words(self) -> str:
        return inspect.getdoc(getattr(self.view, self.method.lower())) or ""

    def get_tags(self) -> list[str]:
        return [self.contract.tag]

    def get_auth(self) -> list[dict[str, Any]]:
        if self.scope == OPEN:
            return []
        return [{"session": []}] if self.scope == IN_PERSON else [{"token": []}, {"session": []}]

    def get_request_serializer(self) -> Any:
        return self.contract.body

    def get_response_serializers(self) -> Any:
        answers: dict[Any, Any] = {}
        for status, shape in self.contract.answers.items():
            if isinstance(shape, str):
                answers[(status, *shape.split(", "))] = {"type": "string", "format": "binary"}
            else:
                answers[status] = shape
        if self.has_etag:
            answers[304] = None
        return answers | {414: TOO_LONG} | {status: KIND_BY_STATUS[status] for status in sorted(self.errors())}

    @property
    def has_etag(self) -> bool:
        """Whether the answer has an ETag: `with_etag` gave it, or the operation has one, and a 304, by itself."""
        method = getattr(self.view, self.method.lower())
        return getattr(method, "has_etag", False) or 304 in self.contract.answers

    def errors(self) -> set[int]:
        """Return the statuses of the errors that this operation can answer."""
        found = {400, 429, 503, *self.contract.errors}
        if self.scope != OPEN:
            found |= {401, 403}
        if "{" in self.path:
            found.add(404)
        # what has no parameters refuses them all the same
        if self.contract.body or self.contract.idempotent or not getattr(self.view, "ignores_parameters", False):
            found.add(422)
        # with a key, a body is read also where none is needed
        if self.contract.body or self.contract.idempotent:
            found |= {413, 415}
        if self.contract.idempotent:
            found.add(409)
        # what something is done with, or whoever does it, may be deleted meanwhile; and no body is read in chunks
        if self.method != "GET":
            found |= {410, 411}
        if self.has_etag:
            found.add(412)
        return found

    def get_override_parameters(self) -> list[Any]:
        query = [self.contract.query] if self.contract.query else []
        key = [IDEMPOTENCY_KEY] if self.contract.idempotent else []
        return [*query, *key, *([IF_NONE_MATCH] if self.has_etag else [])]

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in found:
            parameter["description"] = PATH_PARAMETERS[parameter["name"]]
        return found

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        return re.sub("Output$", "", type(serializer).__name__)

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if example := getattr(serializer, "example", None):
            schema["example"] = example
        if getattr(serializer, "is_strict", False):
            schema["additionalProperties"] = False
        return schema

    def _get_response_for_code(
        self, serializer: Any, status_code: str, media_types: Any = None, direction: Any = "response"
    ) -> Any:
        if serializer == TOO_LONG:
            return {"$ref": f"#/components/responses/{TOO_LONG}"}
        if isinstance(serializer, Kind):
            return {"$ref": f"#/components/responses/{serializer.name}"}
        found = super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, status_code, media_types, direction
        )
        found["description"] = ANSWERS.get(int(status_code), "It is done.")
        found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in self._headers(int(status_code))}
        return found

    def _headers(self, status: int) -> list[str]:
        found = [*RATES, *self.contract.headers.get(status, ())]
        if self.has_etag:
            found.append("ETag")
        if self.contract.idempotent:
            found.append("Idempotency-Replayed")
        return found


# What the web server says by itself, before any of this is asked.
TOO_LONG = "address-too-long"
KIND_BY_STATUS = {kind.status: kind for kind in KINDS}
ANSWERS = {
    200: "It is this.",
    201: "It was made.",
    202: "It was taken, and is being worked on.",
    206: "It is the part that was asked for.",
    204: "It is done.",
    304: "It is what you have.",
}

PROBLEM = {
    "type": "object",
    "description": "What went wrong, after RFC 9457.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The kind of problem; it leads to words."},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong here, and what to do: a sentence for people."},
        "errors": {
            "type": "array",
            "description": f"Each field that is wrong; {MOST_ERRORS} at most.",
            "items": {
                "type": "object",
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "Where in the body, as a JSON pointer."},
                    "parameter": {"type": "string", "description": "Which parameter of the address."},
                },
                "required": ["detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


def _response(kind: Kind) -> dict[str, Any]:
    example = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": kind.advice}
    later = ["Retry-After"]
    by_status = {401: ["WWW-Authenticate"], 409: later, 416: ["Content-Range"], 429: later, 503: later}
    more = by_status.get(kind.status, [])
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": f"{kind.title}. {kind.advice}",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*RATES, *more)},
        "content": {CONTENT_TYPE: {"schema": schema, "example": example}},
    }


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001
    """Add to the contract what all operations share: errors, headers, ways to log in, tags."""
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted((components.get("schemas", {}) | {"Problem": PROBLEM}).items()))
    components["responses"] = {kind.name: _response(kind) for kind in KINDS if kind.status not in (405, 500)}
    components["responses"][TOO_LONG] = {
        "description": "The address is longer than the web server reads, about 4000 characters; in its own words.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
    components["headers"] = {
        name: {"description": words, "schema": {"type": kind}} for name, (kind, words) in HEADERS.items()
    }
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token, made on the account page: `Authorization: Bearer emo_...`.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The login of the pages. What changes something needs the header `X-CSRFToken` as well.",
        },
    }
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    return result
