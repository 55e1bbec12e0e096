"""Write a synthetic catalogue of MuSe's size and shape: python -m benchmarks.shaped OUT [--rows 90001] [--seed 7]

OUT becomes a CSV in the columns of MuSe's third release (Akiki and Burghardt, "MuSe: The Musical Sentiment Dataset"),
for benchmarks and whoever has no MuSe. Artists, titles and ids are made up: no player knows them. As in MuSe are

- quartiles, least and largest valence, arousal and dominance, and how they go together;
- the half of the tracks (48 %) that lie where others lie: those with one tag, which share the points of few words;
- how many have no Spotify id, no MusicBrainz id and no genre, and how many share their Spotify id;
- artists and genres of which few have many tracks;
- moods: how many tracks have one that names an emotion, and how often it agrees with where the track lies.

The same seed gives the same rows, and fewer rows are the first of more.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri
from scipy.stats import qmc
from tqdm import tqdm

from catalogue.anchored import KNOWN_CENTROIDS, KNOWN_WHITENING
from catalogue.moods import MOOD_WORDS
from catalogue.muse import V3_COLUMNS
from emotune.emotions import EMOTIONS

Floats = npt.NDArray[np.float64]
Row = tuple[str | int | float, ...]

ROWS = 90_001
# Rows that are drawn together.
BLOCK = 5000
# Of valence, arousal and dominance in the published release: the least, the quartiles, the largest.
QUARTILES = np.array([
    (0.235, 4.280, 5.650, 6.695, 8.475), (0.108, 3.528, 4.330, 5.150, 7.270), (0.229, 4.551, 5.460, 6.115, 7.440),
])  # fmt: skip
# Beyond the quartiles most tracks are near to them: the higher the power, the nearer.
LOW_TAIL, HIGH_TAIL = 3.4, 2.0
# Of a thousand of its rows: the correlations of ranks, as those of a Gaussian copula (2 sin(pi r / 6)).
TOGETHER = np.linalg.cholesky([(1, 0.135, 0.795), (0.135, 1, -0.004), (0.795, -0.004, 1)])
# Tracks that share their point with others, the points, and how unevenly: the n-th has 1 / n ** WORDS_TAIL as many.
SHARED, WORDS, WORDS_TAIL = 0.48, 700, 0.8
ARTISTS, ARTISTS_TAIL = 24_000, 0.6
WITHOUT_SPOTIFY, WITHOUT_MBID, WITHOUT_GENRE = 0.3152, 0.3198, 0.0738
SAME_SPOTIFY = 1863 / 61_630
# Tracks of which a mood names an emotion, and those to which no further mood is added.
NAMED, NO_MORE_MOODS = 0.273, 0.77
NAMING = [tuple(words) for words in MOOD_WORDS.values()]
# How many of a thousand name each, and how much nearness counts: `anchored` agrees with 71 % of them, and with 74 % of
# MuSe's.
NAMING_SHARES = np.array((38, 45, 33, 47, 110))
NEARER = 1.6
OTHER_MOODS = (
    "romantic", "intense", "sweet", "warm", "energetic", "nostalgic", "powerful", "sensual", "erotic", "spiritual",
    "playful", "hypnotic", "lush", "dramatic", "epic", "trippy", "optimistic", "quirky", "smooth", "nocturnal",
    "sentimental", "quiet", "light", "bittersweet", "dark", "dreamy", "sleazy", "uplifting", "mysterious", "ethereal",
    "lazy", "sarcastic", "atmospheric", "silly", "witty", "spacey", "complex", "elegant", "theatrical", "driving",
)  # fmt: skip
# The most frequent first.
GENRES = (
    "rock", "indie", "pop", "electronic", "alternative", "folk", "singer-songwriter", "jazz", "soul", "ambient",
    "instrumental", "hip-hop", "soundtrack", "chillout", "acoustic", "industrial", "indie rock", "experimental",
    "alternative rock", "punk", "new wave", "shoegaze", "new age", "electronica", "psychedelic", "metal", "trip-hop",
    "neofolk", "gothic", "classic rock", "blues", "rnb", "post-rock", "classical", "hard rock", "indie pop",
    "post-punk", "drum and bass", "hip hop", "doom metal", "emo", "dance", "lo-fi", "ska", "lounge", "world", "ebm",
    "rap", "hardcore", "trance", "death metal", "electro", "dream pop", "latin", "idm", "celtic", "darkwave", "noise",
    "country", "americana",
)  # fmt: skip
DIGITS = np.array([*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.rows < 1 or options.seed < 0:
        parser.error("--rows must be 1 or more, --seed 0 or more")
    try:
        write(options.out, options.rows, options.seed)
    except OSError as error:
        sys.exit(f"{options.out} cannot be written: {error.strerror}.")


def write(out: Path, rows: int, seed: int) -> None:
    """Write so many rows; memory does not grow with them. Raises OSError."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(V3_COLUMNS)
        made = islice(catalogue(seed), rows)
        writer.writerows(tqdm(made, desc="rows", total=rows, unit="", leave=False, disable=None))


def catalogue(seed: int) -> Iterator[Row]:
    """Yield rows without end, each in the order of V3_COLUMNS."""
    # spread evenly, or the catalogue would have the quartiles of the few that most tracks share
    words = points(ndtri(qmc.Halton(3, rng=seed).random(WORDS))).round(2)
    number = 0
    while True:
        yield from block(number, words, np.random.default_rng((seed, number)))
        number += 1


def block(number: int, words: Floats, rng: np.random.Generator) -> Iterator[Row]:
    """Yield the BLOCK rows with this number; `words` (WORDS, 3) are the points that tracks share."""
    vad, tags = points(rng.standard_normal((BLOCK, 3))).round(6), 1 + rng.geometric(0.35, BLOCK)
    shared = np.flatnonzero(rng.random(BLOCK) < SHARED)
    vad[shared], tags[shared] = words[rng.choice(WORDS, len(shared), p=tail(WORDS, WORDS_TAIL))], 1
    artists = rng.choice(ARTISTS, BLOCK, p=tail(ARTISTS, ARTISTS_TAIL))
    genres = rng.choice(GENRES, BLOCK, p=tail(len(GENRES), 1, behind=2))
    genres[rng.random(BLOCK) < WITHOUT_GENRE] = ""
    columns = (moods(rng, vad), tags.tolist(), vad.tolist(), mbids(rng), spotify_ids(rng), genres.tolist())
    for n, (artist, seeds, count, point, mbid, spotify_id, genre) in enumerate(
        zip(artists.tolist(), *columns, strict=True), start=number * BLOCK
    ):
        url = f"https://www.last.fm/music/artist%2b{artist:05d}/_/track%2b{n:08d}"
        yield url, f"Track {n:08d}", f"Artist {artist:05d}", str(seeds), count, *point, mbid, spotify_id, genre


def tail(count: int, power: float, behind: int = 0) -> Floats:
    """Return the shares (count,) of what is ordered by how frequent it is: Zipf's law, begun `behind` places later."""
    weights = 1 / np.arange(1 + behind, count + behind + 1) ** power
    return np.asarray(weights / weights.sum())


def points(normal: Floats) -> Floats:
    """Return (n, 3) valence, arousal and dominance, 0.1 to 8.5, for independent normal deviates (n, 3)."""
    shares = ndtr(normal @ TOGETHER.T)
    return np.stack([at(share, quartiles) for share, quartiles in zip(shares.T, QUARTILES, strict=True)], axis=1)


def at(shares: Floats, quartiles: Floats) -> Floats:
    """Return the values (n,) below which those shares (n,), 0 to 1, of a distribution lie that has these quartiles."""
    least, low, _, high, largest = quartiles
    within = np.interp(shares, (0.25, 0.5, 0.75), quartiles[1:4])
    below = low - (low - least) * np.clip(1 - shares / 0.25, 0, 1) ** LOW_TAIL
    above = high + (largest - high) * np.clip((shares - 0.75) / 0.25, 0, 1) ** HIGH_TAIL
    return np.where(shares < 0.25, below, np.where(shares > 0.75, above, within))


def moods(rng: np.random.Generator, vad: Floats) -> list[list[str]]:
    """Return the moods of tracks at `vad` (n, 3): an emotion names itself the likelier, the nearer it is."""
    centres = KNOWN_CENTROIDS[[EMOTIONS.index(emotion) for emotion in MOOD_WORDS]]
    away = (((vad[:, None] - centres) @ KNOWN_WHITENING) ** 2).sum(axis=2)
    likely = (NAMING_SHARES * np.exp(-NEARER * (away - away.min(axis=1, keepdims=True)) / 2)).cumsum(axis=1)
    chosen = (likely < likely[:, -1:] * rng.random((len(vad), 1))).sum(axis=1)
    is_named, draw = rng.random(len(vad)) < NAMED, rng.random(len(vad))
    more = rng.geometric(NO_MORE_MOODS, len(vad)) - is_named
    found = []
    for emotion, named, drawn, count in zip(
        chosen.tolist(), is_named.tolist(), draw.tolist(), more.tolist(), strict=True
    ):
        words = NAMING[emotion]
        others = rng.choice(OTHER_MOODS, min(count, 5), replace=False).tolist() if count else []
        found.append([words[int(drawn * len(words))], *others] if named else others)
    return found


def mbids(rng: np.random.Generator) -> list[str]:
    texts = (rng.bytes(16).hex() for _ in range(BLOCK))
    return [
        "" if is_missing else f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}"
        for t, is_missing in zip(texts, (rng.random(BLOCK) < WITHOUT_MBID).tolist(), strict=True)
    ]


def spotify_ids(rng: np.random.Generator) -> list[str]:
    """Return BLOCK ids, of which some are empty and some stand twice."""
    ids = np.array(["".join(row) for row in DIGITS[rng.integers(0, len(DIGITS), (BLOCK, 22))]])
    ids[rng.random(BLOCK) < WITHOUT_SPOTIFY] = ""
    there = np.flatnonzero(ids != "")
    twice = rng.permutation(there)[: 2 * round(len(there) * SAME_SPOTIFY / 2)].reshape(2, -1)
    ids[twice[0]] = ids[twice[1]]
    return [str(each) for each in ids]


if __name__ == "__main__":
    main()
