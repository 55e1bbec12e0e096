"""The Celery application: tasks carry ids, and no result is kept but what a task writes to the database."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")

app = Celery("emotune")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
