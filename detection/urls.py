"""Addresses of the detection app's pages."""

from django.urls import path

from detection import views

app_name = "detection"
urlpatterns = [
    path("", views.submit, name="submit"),
    path("new/", views.new, name="new"),
    path("name/", views.name_mood, name="name_mood"),
    path("<uuid:capture_id>/", views.show, name="show"),
    path("<uuid:capture_id>/outcome/", views.outcome, name="outcome"),
    path("<uuid:capture_id>/choose/", views.choose, name="choose"),
    path("<uuid:capture_id>/delete/", views.delete, name="delete"),
]
