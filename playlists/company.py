"""Company: vectors that say which artists the same people like, fitted to what many people did."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from playlists.columns import Columns, Floats

Codes = npt.NDArray[np.intp]

# A person counts who did so much. With three hundred such people in a simulation company made nothing better
# (docs/recommendations.md), so that it waits for more.
ENOUGH_PEOPLE, ENOUGH_ACTS = 500, 5
DIMENSIONS, REGULARIZATION, ROUNDS = 8, 0.1, 15
# The vector of an artist with so many acts is trusted by half.
HALF_TRUSTED = 5.0
# How much one act counts beside the guess that whoever did nothing does not care.
CONFIDENCE = 10.0


@dataclass(frozen=True)
class Acts:
    """What people did: parallel arrays of length n; `values` are about -1 (disliked) to 1 (liked)."""

    people: npt.NDArray[np.int64]
    artists: Codes
    values: Floats

    def of_people_who_count(self) -> "Acts":
        """Return the acts of those who did enough."""
        people, counts = np.unique(self.people, return_counts=True)
        kept = np.isin(self.people, people[counts >= ENOUGH_ACTS])
        return Acts(self.people[kept], self.artists[kept], self.values[kept])


@dataclass(frozen=True)
class Company:
    """Vectors (n, d) of `artists` (n,), by code, whose mean square length is 1; `people` is how many they come from."""

    artists: Codes
    vectors: npt.NDArray[np.float32]
    people: int


def fit(acts: Acts, *, seed: int = 0, enough: int = ENOUGH_PEOPLE) -> Company | None:
    """Return the company of the artists that people did something with; None unless `enough` people did enough.

    Alternating least squares for implicit feedback (Hu, Koren and Volinsky 2008), by artist, since few people meet the
    same track; a dislike is a confident word against. People's own vectors are not kept: `playlists.taste` learns a
    person's weights for these vectors from what they did, so that undoing it leaves nothing here either.
    Raises ValueError for a value that is not a number.
    """
    if not np.isfinite(acts.values).all():
        raise ValueError("the acts have values that are not numbers")
    acts = acts.of_people_who_count()
    people, person = np.unique(acts.people, return_inverse=True)
    if len(people) < enough:
        return None
    artists, artist = np.unique(acts.artists, return_inverse=True)
    vectors = _factors(person, artist, acts.values, (len(people), len(artists)), seed)
    # what all people have in common says nothing of any one of them
    counts = np.bincount(artist)
    vectors -= np.average(vectors, axis=0, weights=counts)
    vectors *= (counts / (counts + HALF_TRUSTED))[:, None].astype(np.float32)
    length = float(np.sqrt((vectors**2).sum(axis=1).mean()))
    return Company(artists, vectors / max(length, 1e-9), len(people))


def _factors(
    person: Codes, artist: Codes, values: Floats, shape: tuple[int, int], seed: int
) -> npt.NDArray[np.float32]:
    # Fitting is a worker's task: the web process imports neither.
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import coo_matrix
    from threadpoolctl import threadpool_limits

    table = coo_matrix((CONFIDENCE * values, (person, artist)), shape=shape).tocsr().astype(np.float32)
    table.eliminate_zeros()
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=DIMENSIONS, regularization=REGULARIZATION, iterations=ROUNDS, num_threads=1, random_state=seed
        )
        model.fit(table, show_progress=False)
    found: npt.NDArray[np.float32] = np.array(model.item_factors, np.float32)
    return found


def lay_over(columns: Columns, company: Company) -> Columns:
    """Return columns that know the company; artists that nobody met have none: 0."""
    vectors = np.zeros((columns.artists, company.vectors.shape[1]), np.float32)
    vectors[company.artists] = company.vectors
    return columns.with_company(vectors)
