"""What every way of starting emotune begins with; it needs no more than the smallest image has."""


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
