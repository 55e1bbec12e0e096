"""The WSGI application for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
application = get_wsgi_application()
# Importing every view takes a good part of a second, which the first person to come need not wait for.
get_resolver().url_patterns  # noqa: B018
# What has been loaded stays: to look through all of it for garbage now and then takes a tenth of a second.
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 20)
