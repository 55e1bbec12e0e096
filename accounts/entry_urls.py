"""The ways into an account: allauth's, with our sign-up in front of its own."""

from django.urls import include, path

from accounts.views import SignupView

urlpatterns = [
    path("signup/", SignupView.as_view(), name="account_signup"),
    path("", include("allauth.urls")),
]
