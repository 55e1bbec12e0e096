"""The catalogue in the admin: tracks to look at, clusterings to compare and to put in force."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from catalogue.models import Clustering, Track
from catalogue.services import activate_clustering
from emotune.errors import EmotuneError


class NotByHand:
    """What is neither added nor changed by hand."""

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


@admin.register(Track)
class TrackAdmin(NotByHand, admin.ModelAdmin):  # type: ignore[type-arg]
    """Tracks come from imports, which would undo a change made here; they can be looked at and deleted."""

    list_display = ("title", "artist", "genre", "emotion", "distance", "origin", "spotify_id")
    list_filter = ("emotion", "origin")
    fields = (
        ("title", "artist", "genre"),
        ("emotion", "distance"),
        ("valence", "arousal", "dominance"),
        ("seeds", "tag_count"),
        ("origin", "key"),
        ("spotify_id", "mbid", "lastfm_url", "audio"),
    )
    search_fields = ("title", "artist", "genre")
    ordering = ("id",)
    list_per_page = 50
    show_full_result_count = False


@admin.register(Clustering)
class ClusteringAdmin(NotByHand, admin.ModelAdmin):  # type: ignore[type-arg]
    """Clusterings are made by a command, and never changed; one of them is in force."""

    list_display = ("created_at", "method", "state", "silhouette", "sizes", "activated_at", "created_by")
    list_filter = ("state", "method")
    actions = ("activate",)

    @admin.display(description="silhouette")
    def silhouette(self, clustering: Clustering) -> str:
        return f"{clustering.quality['silhouette']:.3f}"

    @admin.display(description="sizes")
    def sizes(self, clustering: Clustering) -> str:
        return ", ".join(f"{emotion} {size:,}" for emotion, size in clustering.quality["sizes"].items())

    @admin.action(description="Activate: tag every track by the selected clustering", permissions=["activate"])
    def activate(self, request: HttpRequest, chosen: QuerySet[Clustering]) -> None:
        if len(chosen) != 1:
            self.message_user(request, "Select one clustering to activate.", messages.ERROR)
            return
        try:
            activate_clustering(clustering=chosen[0])
        except EmotuneError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Every track is tagged by the selected clustering now.", messages.SUCCESS)

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalogue.change_clustering")

    def has_delete_permission(self, request: HttpRequest, obj: Clustering | None = None) -> bool:
        in_force = obj is not None and obj.state == Clustering.State.ACTIVE
        return not in_force and super().has_delete_permission(request, obj)
