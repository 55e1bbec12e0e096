"""What holds for every answer below /api/, whoever gives it: limits, their headers, and errors as problem details."""

from django.http import HttpRequest, HttpResponse

from emotune.api.limits import budgets_of, describe, spend_for_address
from emotune.api.problems import CONTENT_TYPE, problem
from emotune.http import GetResponse
from emotune.outage import NO_DATABASE
from emotune.uploads import IN_CHUNKS

PREFIX = "/api/"
KEPT = frozenset({"Allow", "Connection", "Content-Range", "Retry-After", "Vary"})
SENTENCES = {
    400: "The request cannot be understood. Check how it is put together.",
    403: "This may not be done.",
    404: "There is nothing at this address.",
    405: "This address does not do that. The header Allow names what it does.",
    411: IN_CHUNKS,
    412: "This is not, or not any more, what If-Match or If-Unmodified-Since names. Ask without them for what is here.",
    416: "The file has no such part. Content-Range says how long it is.",
    503: NO_DATABASE,
    413: "The body is larger than what is read here. Send less at once.",
}
WENT_WRONG = "Something went wrong here, and it is in our log. Please try again."


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIX) or request.path_info == PREFIX.rstrip("/")


class ApiMiddleware:
    """Count each request against its address, say in headers what is left, and give every error one shape.

    An address of the API means the same with and without a slash at its end.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        request.path_info = request.path_info.rstrip("/")
        budgets_of(request).append(spend_for_address(request))
        response = _as_problem(self.get_response(request))
        describe(response, budgets_of(request))
        response.setdefault("Cache-Control", "no-store")
        return response


class AddressLimitMiddleware:
    """Refuse what is over the limit of an address. It stands inside CORS, so that a script can read the refusal."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        spent = budgets_of(request) if is_api(request) else []
        if not any(budget.is_overdrawn for budget in spent):
            return self.get_response(request)
        wait = spent[0].wait
        detail = f"That was {spent[0].limit} requests from this address within a minute. Wait {wait} seconds."
        return problem(429, detail, headers={"Retry-After": str(wait)})


def _as_problem(response: HttpResponse) -> HttpResponse:
    """Return an error page of Django or of a middleware as a problem, with its headers that matter.

    Without those of CORS a script of another origin would not be told what went wrong.
    """
    status = response.status_code
    if status < 400 or response.get("Content-Type", "") == CONTENT_TYPE:
        return response
    kept = {name: value for name, value in response.items() if name in KEPT or name.startswith("Access-Control-")}
    return problem(status, SENTENCES.get(status, WENT_WRONG), headers=kept)
