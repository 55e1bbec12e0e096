"""The methods of clustering by their names."""

from collections.abc import Callable

from catalogue.anchored import fit_anchored
from catalogue.clustering import Fit, fit_kmeans
from catalogue.measures import Floats, Indices

# Each fits n points (n, 3), with the emotion that their moods name (n,), an index into EMOTIONS or -1.
METHODS: dict[str, Callable[[Floats, Indices], Fit]] = {
    "anchored": fit_anchored,
    "kmeans": lambda vad, _moods: fit_kmeans(vad),
}
DEFAULT_METHOD = "anchored"
