"""Settings of ordinary tests: emotune's own, as read in an environment that says nothing but a folder of their own."""

import atexit
import os
import shutil
import tempfile

OWN = ("DATABASE_URL", "REDIS_URL", "DEBUG", "HTTPS", "ALLOWED_HOSTS", "SECRET_KEY", "EMOTUNE_AUDIO", "EMAIL_HOST")
for name in OWN:
    os.environ.pop(name, None)
os.environ["EMOTUNE_DIR"] = tempfile.mkdtemp(prefix="emotune-test-")
atexit.register(shutil.rmtree, os.environ["EMOTUNE_DIR"], ignore_errors=True)
# what a test starts as a process of its own gets the same folder and the real settings
os.environ["DJANGO_SETTINGS_MODULE"] = "emotune.settings"

from emotune.settings import *  # noqa: E402, F403
