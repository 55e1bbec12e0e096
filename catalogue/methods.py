"""The methods of clustering by their names."""

from typing import Protocol

from catalogue.anchored import fit_anchored
from catalogue.clustering import Fit, fit_kmeans
from catalogue.measures import Floats, Indices


class Method(Protocol):
    """Fits n points (n, 3), with the emotion that their moods name (n,), an index into EMOTIONS or -1.

    The fit has a silhouette if it is to be `measured`.
    """

    def __call__(self, vad: Floats, moods: Indices, /, *, measured: bool = True) -> Fit: ...


METHODS: dict[str, Method] = {
    "anchored": fit_anchored,
    "kmeans": lambda vad, _moods, *, measured=True: fit_kmeans(vad, measured=measured),
}
DEFAULT_METHOD = "anchored"
