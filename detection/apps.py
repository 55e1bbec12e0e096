"""The detection app."""

from django.apps import AppConfig


class DetectionConfig(AppConfig):
    name = "detection"
    personal_data = "detection.personal.PERSONAL_DATA"
    checkup = "detection.checkup.PARTS"
