"""The command that evaluates the methods of clustering on a file of MuSe."""

import json
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.evaluation import Agreement, Evaluation, Tracks, as_published, evaluate, nearest_anchor, read_tracks
from catalogue.management.progress import progress_bar
from catalogue.methods import METHODS
from catalogue.plots import draw_silhouettes, draw_space
from emotune.emotions import EMOTIONS
from emotune.errors import EmotuneError

# Chitturi and Kapila's Table 4.3, and the log that they published with their code.
TABLE_4_3 = {
    "without": ("silhouette without initial centroids", 0.31, 0.309),
    "with": ("silhouette with initial centroids", 0.35, 0.318),
    "accuracy": ('"accuracy" of their split', 0.87, 0.777),
}


class Command(BaseCommand):
    # checking all pages, as Django would first, takes a third of the start
    requires_system_checks = ()
    help = "Measure how good the methods of clustering are on the tracks of a MuSe file that have a Spotify id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--plots", type=Path, metavar="DIR", help="write the plots there, as SVG")
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, *, file: Path, plots: Path | None, **options: Any) -> None:
        begin = perf_counter()
        try:
            if plots:
                plots.mkdir(parents=True, exist_ok=True)
            with progress_bar("Reading", "rows") as progress:
                tracks = read_tracks(file, progress)
            found = {method: evaluate(method, tracks) for method in METHODS}
            published = as_published(tracks.vad, found["kmeans"])
            for method, evaluation in found.items() if plots else ():
                _draw(plots or Path(), method, tracks, evaluation)
        except EmotuneError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"The plots cannot be written to {plots}: {error.strerror}.") from None
        figures = {
            "rows": tracks.rows,
            "rejected": tracks.rejected,
            "playable": len(tracks.vad),
            "published": {
                name: {"paper": paper, "log": log, "ours": published[name]}
                for name, (_, paper, log) in TABLE_4_3.items()
            },
            "nearest_anchor": _agreement(nearest_anchor(tracks)),
            "methods": {method: _figures(evaluation) for method, evaluation in found.items()},
            "seconds": round(perf_counter() - begin, 1),
        }
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        else:
            self.stdout.write("\n".join(_words(figures)))


def _draw(folder: Path, method: str, tracks: Tracks, evaluation: Evaluation) -> None:
    fit = evaluation.fit
    space = draw_space(tracks.vad, fit.labels, fit.centroids, f"{method}: emotions, centroids (full) and anchors")
    (folder / f"{method}-space.svg").write_text(space, encoding="utf-8")
    title = f"{method}: silhouette of {len(evaluation.labels):,} different points"
    shown = draw_silhouettes(evaluation.silhouettes, evaluation.labels, title)
    (folder / f"{method}-silhouette.svg").write_text(shown, encoding="utf-8")


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    fit = evaluation.fit

    def named(values: Any) -> dict[str, Any]:
        return dict(zip(EMOTIONS, values.tolist(), strict=True))

    return {
        "silhouette": evaluation.silhouette,
        "silhouette_sample": fit.silhouette,
        "silhouette_unique": evaluation.silhouette_unique,
        "davies_bouldin": evaluation.davies_bouldin,
        "stability": {"adjusted_rand": evaluation.stability[0], "least": evaluation.stability[1]},
        "mood_words": _agreement(evaluation.agreement),
        "mood_words_unseen": _agreement(evaluation.unseen),
        "sizes": named(fit.sizes),
        "drift": named(fit.drift),
        "mean_drift": named(evaluation.mean_drift),
        "centroids": named(fit.centroids),
        "whitening": None if fit.whitening is None else fit.whitening.tolist(),
        "parameters": fit.parameters,
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "agreement": agreement.share,
        "interval": agreement.interval,
        "tracks": agreement.tracks,
        "by_emotion": agreement.by_emotion,
    }


def _words(figures: dict[str, Any]) -> list[str]:
    lines = [f"{figures['playable']:,} tracks with a Spotify id, of {figures['rows']:,} rows", ""]
    lines.append(f"{'Table 4.3':40}{'paper':>8}{'log':>8}{'ours':>8}")
    for name, row in figures["published"].items():
        lines.append(f"{TABLE_4_3[name][0]:40}{row['paper']:8.3f}{row['log']:8.3f}{row['ours']:8.3f}")
    lines += ["", f"mood words, nearest anchor: {_shares(figures['nearest_anchor'])}"]
    for method, row in figures["methods"].items():
        total, stability = sum(row["sizes"].values()), row["stability"]
        lines += [
            "",
            f"{method}: silhouette {row['silhouette']:.3f}, of a sample {row['silhouette_sample']:.3f}, of different"
            f" points {row['silhouette_unique']:.3f}; Davies-Bouldin {row['davies_bouldin']:.3f}",
            f"  adjusted Rand index over resamples {stability['adjusted_rand']:.3f}, least {stability['least']:.3f}",
            f"  mood words {_shares(row['mood_words'])}",
            f"  mood words of tracks kept from the fit {_shares(row['mood_words_unseen'])}",
        ]
        for emotion in EMOTIONS:
            size = row["sizes"][emotion]
            lines.append(
                f"  {emotion:9}{size:8,} tracks ({size / total:5.1%}), centroid {row['drift'][emotion]:.2f} and mean"
                f" {row['mean_drift'][emotion]:.2f} from the anchor"
            )
    return lines


def _shares(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    each = ", ".join(f"{emotion} {share:.2f}" for emotion, share in row["by_emotion"].items())
    return f"{row['agreement']:.3f} ({low:.3f} to {high:.3f}, {row['tracks']:,} tracks): {each or 'none'}"
