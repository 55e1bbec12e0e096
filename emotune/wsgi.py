"""The WSGI application for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
application = get_wsgi_application()
# Importing every view takes a good part of a second, which the first person to come need not wait for.
get_resolver().url_patterns  # noqa: B018
