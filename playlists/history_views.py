"""Pages of what a person heard, rated and felt: to search, to rate in bulk, to delete; each step can be undone."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from detection.services import settle_overdue
from emotune.http import AppRequest
from playlists import history, listening, queries, undo
from playlists.fields import whole_number
from playlists.models import Listen

CAPTURES_PER_PAGE = 20
LIKED, DISLIKED = "liked", "disliked"
RATED = {1: "liked", -1: "disliked", 0: "no longer rated"}


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def listens(request: AppRequest) -> HttpResponse:
    """Show what was heard, or the part of the page that changes with its filters."""
    return _show(request, "listens")


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def ratings(request: AppRequest) -> HttpResponse:
    """Show what the person likes, or dislikes."""
    return _show(request, "ratings")


@login_required
@require_safe
@never_cache
def moods(request: AppRequest) -> HttpResponse:
    """Show the captures: what was read of the person, or said by them."""
    settle_overdue(user=request.user)
    page = Paginator(queries.history(request.user), CAPTURES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "playlists/moods.html", {"page": page})


@login_required
@require_POST
def bulk_rate(request: AppRequest) -> HttpResponse:
    """Rate the tracks of all rows that are chosen, in whichever list they stand."""
    value = whole_number(request.POST.get("value", ""))
    chosen = {whole_number(text) for text in request.POST.getlist("track")}
    heard = [whole_number(text) for text in request.POST.getlist("listen")]
    chosen.update(Listen.objects.filter(user=request.user, id__in=heard).values_list("track_id", flat=True))
    if not chosen:
        return _answer(request, "Choose some rows first: nothing was rated.")
    rated = listening.bulk_rate(user=request.user, track_ids=chosen, value=value)
    words = f"{_count(len(rated), 'track')} {RATED[value]}."
    return _answer(request, words, undo.of_ratings(request.user, rated) if rated else "")


@login_required
@require_POST
def delete_listens(request: AppRequest) -> HttpResponse:
    """Delete one listen, or those of all rows that are chosen."""
    chosen = [whole_number(text) for text in request.POST.getlist("listen")]
    deleted = listening.delete_listens(user=request.user, listen_ids=chosen)
    if not deleted:
        return _answer(request, "Nothing was deleted: choose some rows that are still there.")
    return _answer(request, f"{_count(len(deleted), 'listen')} deleted.", undo.of_listens(request.user, deleted))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete_all(request: AppRequest) -> HttpResponse:
    """Ask whether all listens are to go, and delete them once that is said."""
    if request.method == "POST":
        number = listening.delete_all_listens(user=request.user)
        _remember(request, f"{_count(number, 'listen')} deleted.")
        return redirect("playlists:history")
    number = Listen.objects.filter(user=request.user).count()
    return render(request, "playlists/delete_listens.html", {"number": number, "words": _count(number, "listen")})


@login_required
@require_POST
def take_back(request: AppRequest) -> HttpResponse:
    """Undo what the token of a page stands for."""
    return _answer(request, undo.undo(user=request.user, token=request.POST.get("token", "")))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listens(request: AppRequest) -> dict[str, Any]:
    filters = history.Filters.of(request.GET.dict())
    page = history.listens_page(request.user, filters, request.GET.get("page", ""))
    return {"page": page, "filters": filters, "query": urlencode(filters.given())}


def _ratings(request: AppRequest) -> dict[str, Any]:
    shown = DISLIKED if request.GET.get("show") == DISLIKED else LIKED
    page = history.ratings_page(request.user, -1 if shown == DISLIKED else 1, request.GET.get("page", ""))
    return {"page": page, "shown": shown, "query": urlencode({"show": shown})}


CONTEXTS: dict[str, Callable[[AppRequest], dict[str, Any]]] = {"listens": _listens, "ratings": _ratings}
PAGES = {"listens": "playlists:history", "ratings": "playlists:ratings"}


def _show(request: AppRequest, name: str) -> HttpResponse:
    context = _context(request, name, request.session.pop("done", None))
    return render(request, f"playlists/_{name}.html" if request.htmx else f"playlists/{name}.html", context)


def _context(request: AppRequest, name: str, done: dict[str, str] | None) -> dict[str, Any]:
    """Return what a list shows, what was just done, and what its forms need to come back to it as it is."""
    context = CONTEXTS[name](request)
    here, total = request.GET.urlencode(), context["page"].total
    total = None if total is None else f"{total:,}"
    return {
        **context,
        "list": name,
        "here": here,
        "back": f"{reverse(PAGES[name])}?{here}",
        "done": done,
        "total": total,
    }


def _answer(request: AppRequest, words: str, token: str = "") -> HttpResponse:
    """Show the list again after something was done with its rows, with the words for it and a way to undo it."""
    name = "ratings" if request.POST.get("list") == "ratings" else "listens"
    if not request.htmx:
        _remember(request, words, token)
        return redirect(f"{reverse(PAGES[name])}?{request.GET.urlencode()}")
    context = _context(request, name, {"words": words, "token": token})
    return render(request, f"playlists/_{name}.html", context)


def _remember(request: HttpRequest, words: str, token: str = "") -> None:
    request.session["done"] = {"words": words, "token": token}
