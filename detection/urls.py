"""Addresses of the detection app's pages."""

from django.urls import path

from detection import views

app_name = "detection"
urlpatterns = [
    path("model/", views.model, name="model"),
    path("captures/", views.submit, name="submit"),
    path("captures/new/", views.new, name="new"),
    path("captures/name/", views.name_mood, name="name_mood"),
    path("captures/<uuid:capture_id>/", views.show, name="show"),
    path("captures/<uuid:capture_id>/outcome/", views.outcome, name="outcome"),
    path("captures/<uuid:capture_id>/choose/", views.choose, name="choose"),
    path("captures/<uuid:capture_id>/delete/", views.delete, name="delete"),
]
