"""The detection app."""

from django.apps import AppConfig


class DetectionConfig(AppConfig):
    name = "detection"
    personal_data = "detection.personal.PERSONAL_DATA"
    checkup = "detection.checkup.PARTS"

    def ready(self) -> None:
        from detection.personal import drop_pictures
        from emotune.personal import consent_withdrawn

        consent_withdrawn.connect(drop_pictures, dispatch_uid="detection.drop_pictures")
