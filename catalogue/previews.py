"""What a clustering would change if it were put in force: tags by tags, with examples, and its picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q
from django.db.models.functions import Mod

from catalogue.clustering import SEED, assign
from catalogue.measures import Floats, Indices, silhouettes
from catalogue.models import Clustering, Track
from catalogue.plots import draw_silhouettes, draw_space
from catalogue.rows import read_blocks
from catalogue.staging import TRACKS
from catalogue.tagging import CLUSTERED, active_clustering, clustered_tracks, regions
from emotune.emotions import EMOTIONS

# The former tag of a track that has none.
UNTAGGED = len(EMOTIONS)
EXAMPLES = 3
# A picture shows so many tracks; a silhouette compares each of so many with every other.
DRAWN = 4000
COMPARED = 2000


@dataclass(frozen=True)
class Change:
    """Tracks whose tag changes in one way, the most frequent first, and some of them."""

    before: str
    after: str
    tracks: int
    examples: Sequence[Track]


@dataclass(frozen=True)
class Preview:
    """What putting a clustering in force does to the tags of `total` tracks.

    `sizes` has the tracks of each emotion afterwards. `table` has a row for each emotion that tracks have now and,
    where there are such, a last one for tracks without any; its columns are the emotions that they get. `changed`
    counts those whose tag becomes another, `changes` has the ways in which that happens.
    """

    total: int
    changed: int
    sizes: dict[str, int]
    table: dict[str, list[int]]
    changes: Sequence[Change]


def preview_of(*, clustering: Clustering) -> Preview:
    """Compare the tags that a clustering gives with those in force. Kept with it until either side is another one."""
    kept = clustering.quality.get("preview", {})
    active = active_clustering()
    # another one after each import too; where nothing is in force yet, the number of tracks has to do
    of = [str(active.revision) if active else "", clustered_tracks().count()]
    if kept.get("of") != of:
        kept = {"of": of, **_compare(clustering)}
        clustering.quality["preview"] = kept
        Clustering.objects.filter(pk=clustering.pk).update(quality=clustering.quality)
    table = np.array(kept["table"])
    wanted = [track_id for ids in kept["examples"].values() for track_id in ids]
    tracks = Track.objects.in_bulk(wanted)
    ways = sorted((-int(table[row, column]), row, column) for row, column in zip(*table.nonzero(), strict=True))
    names = (*EMOTIONS, "")
    return Preview(
        total=int(table.sum()),
        changed=int(table.sum() - np.trace(table)),
        sizes=dict(zip(EMOTIONS, table.sum(axis=0).tolist(), strict=True)),
        table={names[row]: table[row].tolist() for row in range(len(table)) if row != UNTAGGED or table[row].any()},
        changes=[
            Change(
                names[row], names[column], -count,
                [tracks[pk] for pk in kept["examples"].get(f"{row}-{column}", ()) if pk in tracks],
            )
            for count, row, column in ways if row != column
        ],
    )  # fmt: skip


def _compare(clustering: Clustering) -> dict[str, object]:
    found = regions(clustering)
    table = np.zeros((len(EMOTIONS) + 1, len(EMOTIONS)), dtype=np.intp)
    places = {name: place for place, name in enumerate((*EMOTIONS, ""))}
    examples: dict[str, list[int]] = {}
    query = f"SELECT id, valence, arousal, dominance, emotion FROM {TRACKS} WHERE {CLUSTERED}"  # noqa: S608 - no values
    for block in read_blocks(query, numbers=3, texts=1):
        labels = assign(block.numbers, *found)[0]
        before = np.array([places[emotion] for emotion in block.texts[0]])
        np.add.at(table, (before, labels), 1)
        for way in np.unique(np.stack([before, labels])[:, before != labels], axis=1).T.tolist():
            some = examples.setdefault("{}-{}".format(*way), [])
            own = np.flatnonzero((before == way[0]) & (labels == way[1]))[: EXAMPLES - len(some)]
            some.extend(block.ids[own].tolist())
    return {"table": table.tolist(), "examples": examples}


def space_plot(clustering: Clustering) -> str:
    """Return SVG of the space with tracks in the colours of their emotions, centroids and anchors."""
    vad, labels = _some(clustering, DRAWN)
    return draw_space(vad, labels, regions(clustering)[0], f"{clustering.method}: centroids (full) and anchors")


def silhouette_plot(clustering: Clustering) -> str:
    """Return SVG of the silhouettes of some tracks, compared with one another."""
    vad, labels = _some(clustering, COMPARED)
    return draw_silhouettes(silhouettes(vad, labels), labels, f"{clustering.method}: silhouette of {len(vad):,} tracks")


def _some(clustering: Clustering, most: int) -> tuple[Floats, Indices]:
    """Return places (n, 3) of playable tracks, drawn evenly, and their emotions by the clustering (n,)."""
    tracks = clustered_tracks().filter(~Q(spotify_id="") | ~Q(audio=""))
    if (step := tracks.count() // most) > 1:
        tracks = tracks.annotate(turn=Mod("id", step)).filter(turn=0)
    rows = list(tracks.values_list("valence", "arousal", "dominance")[: 2 * most])
    vad = np.array(rows, dtype=np.float64).reshape(-1, 3)
    if len(vad) > most:
        vad = vad[np.sort(np.random.default_rng(SEED).choice(len(vad), most, replace=False))]
    return vad, assign(vad, *regions(clustering))[0]
