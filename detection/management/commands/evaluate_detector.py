"""The command that measures emotion networks and their peers on one part of a data set."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision import plots
from detection.vision.card import ModelFileError, load_card, read_fields, write_card
from detection.vision.data import DataError, Split, balanced, hold_out, load_split, measured_split
from detection.vision.layouts import LAYOUTS, find_layout
from detection.vision.peers import NAMES, PeerBroken
from detection.vision.recipe import Recipe
from detection.vision.systems import MODELS, SystemMissing, evaluate, network_folder, open_system
from detection.vision.tables import MISSING, ORDER, columns, table_4_1, table_4_2
from detection.vision.twins import strangers

# The paper's test on AffectNet.
PER_EMOTION = 500
# Parts of the pictures that are measured apart (evaluation.measure_truths).
PARTS = {
    "untied": "of which one emotion has more votes than any other",
    "strangers": "without a near-duplicate among the training pictures",
}


class Command(BaseCommand):
    help = (
        "Measure emotion readers on a data set, as the paper did: in photographs, or on faces that were cut out already"
        " (--crops). One that cannot run here is named with what to do. See docs/evaluation.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="D", help="folder, zip or CSV of faces")
        parser.add_argument("--layout", choices=LAYOUTS, help="how the data lie (default: recognized)")
        parser.add_argument(
            "--split",
            help="which part to measure on (default: public_test, or everything, or the test where a network was"
            " trained on the rest)",
        )
        known = ", ".join(("emotune", "cnn", *NAMES))
        parser.add_argument(
            "--models",
            default="emotune",
            metavar="A,B",
            help=f"{known}, or folders of emotune's networks; the plain one is cnn, at models/cnn alone, and teachers"
            " of the size facenet are not measured",
        )
        parser.add_argument("--crops", action="store_true", help="the pictures are faces: look for none in them")
        parser.add_argument(
            "--flips",
            action="store_true",
            help="ask our heads about each face and its mirrored twin, as what is served",
        )
        parser.add_argument("--train-accuracy", action="store_true", help="measure on training pictures too")
        parser.add_argument(
            "--strangers",
            action="store_true",
            help="measure also on those pictures that have no near-duplicate among the training pictures",
        )
        parser.add_argument("--plots", type=Path, metavar="DIR", help="write figures there as SVG")
        parser.add_argument("--update-card", action="store_true", help="write the measures of --crops to model cards")
        parser.add_argument("--json", action="store_true", help="print JSON, and nothing else, on stdout")

    def handle(self, *, data: Path, models: str, **options: Any) -> None:
        names = [part.strip() for part in models.split(",") if part.strip()]
        if options["update_card"] and not options["crops"]:
            raise CommandError("model cards hold measures of faces that were cut out; give --crops with --update-card")
        if options["update_card"] and options["flips"]:
            raise CommandError("model cards hold measures of heads without flips; leave --flips or --update-card out")
        try:
            train = cache(lambda: load_split(data, "train", options["layout"]))
            trained_on = _trained_on(data, train, names)
            own = [name for name, share in trained_on.items() if share is not None]
            split = options["split"] or _split(data, options["layout"], own)
            measured, test = _measure_all(data, split, train, trained_on, options)
        except (DataError, ModelFileError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or data}: {error.strerror or error}") from None
        for name in own if split in ("train", "all") else ():
            self.stderr.write(f"{name} was trained on these pictures: its figures say nothing of others")
        for name, figures in measured.items():
            if MISSING in figures:
                self.stderr.write(f"{name} was not measured: {figures[MISSING]}")
            elif errors := figures["errors"]:
                self.stderr.write(f"{name} broke on {len(errors)} pictures, which count as missed; first {errors[0]}")
        self.stdout.write(json.dumps(measured, indent=1) if options["json"] else "\n".join(_words(measured, test)))


def _measure_all(
    data: Path,
    split: str,
    train: Callable[[], Split],
    trained_on: dict[str, float | None],
    options: dict[str, Any],
) -> tuple[dict[str, dict[str, Any]], Split]:
    """Measure the systems on a split, write down what was asked for, and return the figures by name, and the split.

    `train` lists the training pictures where they are needed; `trained_on` is what `_trained_on` returns.
    """
    layout, crops, figures = options["layout"], options["crops"], options["plots"]
    if options["update_card"] and split != measured_split(data, layout):
        raise CommandError(f"model cards hold measures of {measured_split(data, layout)}; leave --split out")
    if options["update_card"]:
        _check_known(data, trained_on)
    test = load_split(data, split, layout)
    test = balanced(test, PER_EMOTION) if test.layout == "affectnet" else test
    seen = _like(test, train()) if options["train_accuracy"] else None
    apart = options["strangers"] or options["update_card"]  # as a training, which writes both
    shares = {name: (share or 0.0) if apart else None for name, share in trained_on.items()}
    known = {share: _strangers(test, train, share) for share in set(shares.values())}
    if figures:
        figures.mkdir(parents=True, exist_ok=True)
    total = (len(test) + (len(seen) if seen else 0)) * len(shares)
    with tqdm(total=total, unit="picture", file=sys.stderr, disable=None) as bar:
        how = {"crops": crops, "flips": options["flips"]}
        measured = {name: _measure(name, test, seen, bar, known[share], **how) for name, share in shares.items()}
    for name in shares if options["update_card"] else ():
        _update_card(name, measured[name])
    if figures:
        _draw(measured, figures)
    return measured, test


def _check_known(data: Path, trained_on: dict[str, float | None]) -> None:
    """Raise CommandError for a network of ours whose card tells of other data: its page would call these those."""
    for name, share in trained_on.items():
        own = _told(name)["data"].get("name", "") if _is_ours(name) else ""
        if own and share is None:
            raise CommandError(
                f"{name} was trained on {own}, not on {data}, and its card tells of that: no --update-card"
            )


def _trained_on(data: Path, train: Callable[[], Split], names: list[str]) -> dict[str, float | None]:
    """Return the share of a data set that each network of ours held out in its training; None for one that was not
    trained on it, and for peers.

    A card knows the data by what its training held out of them, one of an earlier training by their name alone. Raises
    ModelFileError, before anything is measured, for a name that means nothing and a card that is damaged.
    """
    found: dict[str, float | None] = {}
    for name in names:
        told = _told(name)
        share = told["training"].get("held_out", Recipe.held_out)
        if "held_out_crc" not in told["data"]:
            is_known = told["data"].get("name") == data.name
        else:
            try:
                is_known = hold_out(train(), share)[1].fingerprint() == told["data"]["held_out_crc"]
            except DataError:  # nothing was trained on a part that is not there or cannot be read
                is_known = False
        found[name] = None if not is_known else 0.0 if name == "cnn" else share
    return found


def _is_ours(name: str) -> bool:
    """Whether a name is that of a network of ours with a model card, and not of a peer or the paper's network."""
    return name not in (*NAMES, "cnn")


def _told(name: str) -> dict[str, dict[str, Any]]:
    """Return what the card of a network of ours tells of its data and its training; nothing for peers."""
    if _is_ours(name):
        card = load_card(network_folder(name))
        return {"data": card.data, "training": card.training}
    folder = MODELS / name
    told = read_fields(folder) if name == "cnn" and (folder / "card.json").exists() else {}
    parts = {part: told.get(part, {}) for part in ("data", "training")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise ModelFileError(f"{folder}/card.json does not tell what it was trained on; train it again")
    return parts


def _strangers(test: Split, train: Callable[[], Split], share: float | None) -> npt.NDArray[np.bool_] | None:
    """Return which pictures have no near-duplicate among those trained on: the training pictures less a share of them.

    Peers were trained on no part of ours: for them it is all of the training pictures. None without a share.
    """
    if share is None:
        return None
    return strangers(test, hold_out(train(), share)[0] if share else train())


def _split(data: Path, layout: str | None, trained_on: list[str]) -> str:
    """Return the split that is measured when none is named."""
    splits = find_layout(data, layout).splits
    wanted = ("public_test", "test", "all") if trained_on else ("public_test", "all", "test")
    name = next((name for name in wanted if name in splits), None)
    if name is None:
        raise DataError(f"{data}: has no test; name one of its splits by --split: {', '.join(splits)}")
    return name


def _like(test: Split, train: Split) -> Split:
    """Return as many training pictures as the test has, drawn at random."""
    drawn = np.random.default_rng(0).permutation(len(train))[: len(test)]
    return train.subset(np.sort(drawn))


def _measure(
    name: str,
    test: Split,
    train: Split | None,
    bar: Any,
    known: npt.NDArray[np.bool_] | None,
    *,
    crops: bool,
    flips: bool,
) -> dict[str, Any]:
    bar.set_description(name)
    try:
        with closing(open_system(name, crops=crops, flips=flips)) as system:
            measured = evaluate(system, test, bar.update, crops=crops, strangers=known).to_json()
            if train is not None:
                measured["train_accuracy"] = evaluate(system, train, bar.update, crops=crops).measures["accuracy"]
            return measured
    except (SystemMissing, PeerBroken) as error:
        return {MISSING: str(error)}


def _update_card(name: str, measured: dict[str, Any]) -> None:
    """Write measures into the card of a network of ours, as a training does."""
    if not _is_ours(name):
        return
    folder = network_folder(name)
    write_card(folder, replace(load_card(folder), measures=measured["heads"]))


def _words(measured: dict[str, dict[str, Any]], test: Split) -> Iterator[str]:
    counts = np.bincount(test.labels, minlength=7)
    yield f"{len(test)} pictures, {counts.min()} to {counts.max()} of an emotion, from {test.source.path}"
    yield from ("", table_4_1(measured), "", table_4_2(measured), "")
    for name, figures in measured.items():
        for head, truths in figures.get("heads", {}).items():
            for truth, found in truths.items():
                words = f"{found['accuracy']:.1%} right, macro-F1 {found['macro_f1']:.3f}"
                missed = f", {found['no_face']} faces missed" if found["no_face"] else ""
                at_80 = next(error for coverage, error in found["risk"] if coverage == 0.8) if found["risk"] else 1
                risk = f"error {at_80:.1%} at 80 % coverage, {1 - found['accuracy_found']:.1%} at 100 %"
                yield f"{name}: {head} against {truth}: {words}, calibration error {found['ece']:.3f}; {risk}{missed}"
                for part, meaning in PARTS.items():
                    if part in found and found[part]["count"]:
                        right, count = found[part]["accuracy"], found[part]["count"]
                        yield f"{name}: {head} against {truth}: {right:.1%} right of {count} pictures {meaning}"


def _draw(measured: dict[str, dict[str, Any]], folder: Path) -> None:
    systems = {name: figures for name, figures in columns(measured).items() if MISSING not in figures}
    accuracy = {name: [figures["accuracy"]] for name, figures in systems.items()}
    recall = {name: [figures["recall"][emotion] for emotion in ORDER] for name, figures in systems.items()}
    files = {
        "figure_4_1": plots.grouped_bars("Figure 4.1: test accuracy", ["test accuracy"], accuracy),
        "figure_4_2": plots.grouped_bars("Figure 4.2: recall by emotion", ORDER, recall),
    }
    short = [Path(name).name for name in measured]
    stems = {name: Path(name).name for name in measured if short.count(Path(name).name) == 1}
    for name, figures in measured.items():
        if MISSING in figures:
            continue
        stem = stems.get(name) or name.strip("/").replace("/", "_")
        files[f"{stem}_confusion"] = plots.confusion_matrix(f"{stem}: what was read", figures["confusion"])
        files[f"{stem}_reliability"] = plots.reliability_diagram(f"{stem}: reliability", figures["reliability"])
        files[f"{stem}_risk"] = plots.risk_coverage_curve(f"{stem}: error by coverage", figures["risk"])
    for file, drawing in files.items():
        (folder / f"{file}.svg").write_text(drawing, encoding="utf-8")
