"""The catalogue in the admin: tracks to look at, clusterings to make, to compare and to put in force."""

from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST

from catalogue.admin_jobs import NotByHand, ticket_of
from catalogue.audio import find_audio
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering, Track
from catalogue.previews import silhouette_plot, space_plot
from catalogue.rights import LOOK, MAKE, PUT_IN_FORCE
from catalogue.services import active_clustering, preview_of, submit_activation, submit_clustering
from catalogue.staging import bulk_write, renew_revision
from emotune.deletions import CountedDeletion
from emotune.emotions import EMOTIONS
from emotune.errors import EmotuneError

if TYPE_CHECKING:
    from accounts.models import User

PLOTS = {"space": space_plot, "silhouette": silhouette_plot}
# So many ways in which tags change are shown with examples.
SHOWN_CHANGES = 12


# What an import brings of a track, in the lines of its page.
IMPORTED = (
    ("title", "artist", "genre"),
    ("emotion", "distance"),
    ("valence", "arousal", "dominance"),
    ("seeds", "tag_count"),
    ("origin", "key"),
    ("spotify_id", "mbid", "lastfm_url"),
)


class TrackForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_audio(self) -> str:
        audio: str = self.cleaned_data["audio"].strip()
        if audio and find_audio(audio) is None:
            raise forms.ValidationError(f"There is no such audio file below {settings.AUDIO_ROOT}. Put it there first.")
        return audio


@admin.register(Track)
class TrackAdmin(CountedDeletion):
    """Tracks come from imports, which would undo a change made here; they can be looked at, deleted, and given audio,
    which no import has."""

    form = TrackForm
    list_display = ("title", "artist", "genre", "emotion", "far", "origin", "spotify_id")
    list_filter = ("emotion", "origin")
    fields = (*IMPORTED, "audio")
    readonly_fields = tuple(chain.from_iterable(IMPORTED))
    search_fields = ("title", "artist", "genre")
    ordering = ("id",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="distance", ordering="distance")
    def far(self, track: Track) -> str:
        return "" if track.distance is None else f"{track.distance:.2f}"

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    # Each waits its turn among bulk writers: those write a clustering before the tracks, this the other way round.

    def save_model(self, request: HttpRequest, obj: Track, form: Any, change: bool) -> None:  # noqa: ARG002
        """Write the audio alone: the rest was read before an import or an activation that may just have ended."""
        with bulk_write():
            if not Track.objects.filter(pk=obj.pk).update(audio=obj.audio):
                raise Http404("This track was deleted meanwhile.")
            renew_revision()

    def delete_model(self, request: HttpRequest, obj: Track) -> None:
        with bulk_write():
            super().delete_model(request, obj)
            renew_revision()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Track]) -> None:
        with bulk_write():
            super().delete_queryset(request, queryset)
            renew_revision()


@admin.register(Clustering)
class ClusteringAdmin(NotByHand, admin.ModelAdmin):  # type: ignore[type-arg]
    """Clusterings are made by a worker, and never changed; one of them is in force."""

    list_display = ("id", "method", "state", "silhouette", "smallest", "made", "put_in_force")
    list_select_related = ("created_by", "activated_by")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/activate/", wrap(require_POST(self.activate_view)), name="catalogue_clustering_activate"),
            path("<int:pk>/<str:plot>.svg", wrap(self.plot_view), name="catalogue_clustering_plot"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="silhouette")
    def silhouette(self, clustering: Clustering) -> str:
        return f"{clustering.quality['silhouette']:.3f}"

    @admin.display(description="made", ordering="created_at")
    def made(self, clustering: Clustering) -> str:
        return _when_and_who(clustering.created_at, clustering.created_by)

    @admin.display(description="last put in force", ordering="activated_at")
    def put_in_force(self, clustering: Clustering) -> str:
        return _when_and_who(clustering.activated_at, clustering.activated_by)

    @admin.display(description="smallest")
    def smallest(self, clustering: Clustering) -> str:
        sizes = clustering.quality["sizes"]
        emotion = min(sizes, key=lambda name: sizes[name])
        return f"{emotion}, {sizes[emotion] / sum(sizes.values()):.1%}"

    def has_view_permission(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> bool:
        return request.user.has_perm(LOOK)

    def has_add_permission(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> bool:
        return request.user.has_perm(MAKE)

    def has_delete_permission(self, request: HttpRequest, obj: Clustering | None = None) -> bool:
        in_force = obj is not None and obj.state == Clustering.State.ACTIVE
        return not in_force and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Clustering) -> None:  # noqa: ARG002
        if not _delete_idle(Clustering.objects.filter(pk=obj.pk)):
            raise PermissionDenied  # it was put in force meanwhile

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Clustering]) -> None:
        chosen = queryset.count()
        if _delete_idle(queryset) < chosen:
            kept = "The clustering in force was kept: tracks have their tags from it."
            self.message_user(request, kept, messages.WARNING)

    def add_view(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Ask for a method and let a worker cluster by it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        problem = ""
        if request.method == "POST":
            try:
                run = submit_clustering(
                    user=request.user,  # type: ignore[arg-type]
                    method=request.POST.get("method", ""),
                    job_id=ticket_of(request),
                )
                return redirect("admin:catalogue_clusteringrun_change", run.pk)
            except EmotuneError as error:
                problem = error.message
        context = {"opts": self.opts, "title": "Cluster the tracks", "problem": problem, "ticket": uuid4()}
        context |= {"methods": METHODS, "default": DEFAULT_METHOD}
        page = self.admin_site.each_context(request) | context
        return render(request, "admin/catalogue/clustering_add.html", page, status=422 if problem else 200)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Show what the clustering found, and what would change if it were put in force."""
        clustering = self._seen(request, object_id)
        preview = preview_of(clustering=clustering)
        quality, active = clustering.quality, active_clustering()
        rows = [
            (name, clustering.centroids[name], quality["drift"][name], f"{preview.sizes[name]:,}",
             preview.sizes[name] / max(1, preview.total) * 100)
            for name in EMOTIONS
        ]  # fmt: skip
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Clustering {clustering.pk}",
            "clustering": clustering,
            "points": f"{clustering.parameters['points']:,}",
            "active": active,
            "rows": rows,
            "total": f"{preview.total:,}",
            "changed": f"{preview.changed:,}" if preview.changed else "",
            "table": [(before, _cells(before, counts)) for before, counts in preview.table.items()],
            "changes": [(change, f"{change.tracks:,}") for change in preview.changes[:SHOWN_CHANGES]],
            "emotions": EMOTIONS,
            "may_activate": clustering.state != Clustering.State.ACTIVE and self._may_activate(request),
            "may_delete": self.has_delete_permission(request, clustering),
        }
        return render(request, "admin/catalogue/clustering.html", context)

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self._may_activate(request):
            raise PermissionDenied
        clustering = _clustering(pk)
        run = submit_activation(user=request.user, clustering=clustering)  # type: ignore[arg-type]
        return redirect("admin:catalogue_clusteringrun_change", run.pk)

    @method_decorator(cache_control(private=True, max_age=3600))
    def plot_view(self, request: HttpRequest, pk: int, plot: str) -> HttpResponse:
        clustering = self._seen(request, pk)
        if plot not in PLOTS:
            raise Http404
        return HttpResponse(PLOTS[plot](clustering), content_type="image/svg+xml")

    def _seen(self, request: HttpRequest, pk: int | str) -> Clustering:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _clustering(pk)

    def _may_activate(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PUT_IN_FORCE)


def _delete_idle(clusterings: QuerySet[Clustering]) -> int:
    """Delete those that are not in force, once no activation runs any more, and return how many these were."""
    with bulk_write():
        idle = list(clusterings.exclude(state=Clustering.State.ACTIVE).values_list("pk", flat=True))
        Clustering.objects.filter(pk__in=idle).delete()
    return len(idle)


def _clustering(pk: int | str) -> Clustering:
    try:
        return get_object_or_404(Clustering, pk=int(pk))
    except ValueError:
        raise Http404 from None


def _cells(before: str, counts: list[int]) -> list[tuple[str, bool]]:
    """Return the numbers of a row of the table, and whether each stands for tracks that keep their tag."""
    return [(f"{count:,}" if count else "", before == after) for after, count in zip(EMOTIONS, counts, strict=True)]


def _when_and_who(moment: datetime | None, person: "User | None") -> str:
    """Say when something was done and by whom; an import and a command are nobody."""
    if moment is None:
        return "never"
    when = f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
    return f"{when} by {person}" if person else when
