"""What every way of starting emotune begins with; it needs no more than the smallest image has."""

import os


class CannotStart(Exception):
    """What keeps emotune from starting, in one line."""


def configure() -> None:
    """Read the settings and load the apps. Raises CannotStart."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise CannotStart(str(error)) from error


def compute_in_one_thread() -> None:
    """Let NumPy compute where it is called, from its import on: requests have threads of their own, and a second one
    for each of them would wait for a core that others use.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
