"""The addresses of emotune's pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from emotune.api.views import UnknownAddress

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("accounts/", include("allauth.urls")),
    path("account/", include("accounts.urls")),
    path("captures/", include("detection.urls")),
    path("", include("playlists.urls")),
    path("", include("catalogue.urls")),
    path("api", UnknownAddress.as_view()),
    path("api/", include("emotune.api.urls")),
    path("admin/", admin.site.urls),
]
