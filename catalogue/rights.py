"""What right which work on clusterings takes, on the admin's pages and by API alike."""

LOOK = "catalogue.view_clustering"
MAKE = "catalogue.add_clustering"
PUT_IN_FORCE = "catalogue.change_clustering"


def right_to_run(*, activates: bool) -> str:
    """Return the right to start such a run, which is the one to end it too."""
    return PUT_IN_FORCE if activates else MAKE
