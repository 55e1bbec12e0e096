"""The addresses of emotune's pages."""

from django.contrib import admin
from django.urls import include, path

from emotune import pages
from emotune.api.views import UnknownAddress

urlpatterns = [
    path("", pages.home, name="home"),
    path("about/", pages.about, name="about"),
    path("privacy/", pages.privacy, name="privacy"),
    path("accounts/", include("allauth.urls")),
    path("account/", include("accounts.urls")),
    path("", include("detection.urls")),
    path("", include("playlists.urls")),
    path("", include("catalogue.urls")),
    path("api", UnknownAddress.as_view()),
    path("api/", include("emotune.api.urls")),
    path("admin/", admin.site.urls),
]
