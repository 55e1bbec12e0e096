"""The addresses of emotune's pages."""

from django.contrib import admin
from django.urls import include, path

from emotune import pages
from emotune.api.views import UnknownAddress
from emotune.checkup import pages as checkup

handler500 = "emotune.outage.went_wrong"

urlpatterns = [
    path("", pages.home, name="home"),
    path("about/", pages.about, name="about"),
    path("privacy/", pages.privacy, name="privacy"),
    path("accounts/", include("accounts.entry_urls")),
    path("account/", include("accounts.urls")),
    path("", include("detection.urls")),
    path("", include("playlists.urls")),
    path("", include("catalogue.urls")),
    path("api", UnknownAddress.as_view()),
    path("api/", include("emotune.api.urls")),
    path("admin/health/", admin.site.admin_view(checkup.health), name="admin-health"),
    path("admin/health/summary/", admin.site.admin_view(checkup.summary), name="admin-health-summary"),
    path("admin/", admin.site.urls),
]
