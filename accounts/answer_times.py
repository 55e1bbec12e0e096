"""Answers that take a whole number of quarter seconds, where their time could tell who has an account."""

from time import monotonic, sleep

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from emotune.http import GetResponse

ROUTES = ("account_reset_password", "account_signup")


class RoundedTimeMiddleware:
    """Hold the answer to a sign-up, or to a reset of a password, until the next multiple of ACCOUNT_ANSWERS_EVERY.

    Both do the same work for a known and an unknown address, but for some milliseconds of the database's. Under load
    the answer falls into another quarter second now and then, for both.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        every = settings.ACCOUNT_ANSWERS_EVERY
        if request.method != "POST" or not every or request.path not in map(reverse, ROUTES):
            return self.get_response(request)
        begin = monotonic()
        response = self.get_response(request)
        # a limit that refuses knows no addresses; a mail server that is away is found out after they were looked up
        if not 400 <= response.status_code < 500:
            sleep(every - (monotonic() - begin) % every)
        return response
