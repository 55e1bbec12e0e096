"""emotune: music that fits the emotion a face shows."""

from emotune.celery import app as celery_app

__all__ = ["celery_app"]
