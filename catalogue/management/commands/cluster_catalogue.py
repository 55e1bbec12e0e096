"""The command that clusters the catalogue."""

import json
from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.management.progress import progress_bar
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.services import cluster_catalogue
from emotune.emotions import EMOTIONS
from emotune.errors import EmotuneError


class Command(BaseCommand):
    # checking all pages, as Django would first, takes a third of the start
    requires_system_checks = ()
    help = "Cluster the tracks by valence, arousal and dominance into the seven emotions, as a preview or in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--method", default=DEFAULT_METHOD, help=f"one of {', '.join(METHODS)}")
        parser.add_argument("--activate", action="store_true", help="tag every track by it at once")
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, *, method: str, activate: bool, **options: Any) -> None:
        begin = perf_counter()
        try:
            with progress_bar("Tagging", "tracks") as progress:
                clustering = cluster_catalogue(method=method, activate=activate, progress=progress)
        except EmotuneError as error:
            raise CommandError(error.message) from None
        quality = clustering.quality
        if options["json"]:
            figures = {name: quality[name] for name in ("silhouette", "sizes", "drift")}
            figures |= {"clustering": clustering.pk, "method": clustering.method, "centroids": clustering.centroids}
            self.stdout.write(json.dumps(figures | {"seconds": round(perf_counter() - begin, 3)}))
            return
        self.stdout.write(f"clustering {clustering.pk}, {clustering.state}: silhouette {quality['silhouette']:.3f}")
        for emotion in EMOTIONS:
            place = " ".join(f"{value:5.2f}" for value in clustering.centroids[emotion])
            size, drift = quality["sizes"][emotion], quality["drift"][emotion]
            self.stdout.write(f"{emotion:10}{size:8,} tracks around {place}, {drift:.2f} from the anchor")
