"""What the REST API of every app stands on: errors, limits, pages of lists, once-only submissions and its contract."""
