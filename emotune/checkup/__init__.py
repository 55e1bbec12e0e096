"""Is it well? What every part of an installation says of itself, judged, for a page of the admin and for programs."""
