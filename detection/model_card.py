"""What the page about the reader shows of the model card that lies beside the weights."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from detection.vision import plots
from detection.vision.card import Card, ModelFileError, load_card
from emotune.emotions import EMOTIONS

TRUTHS = {"labels": "FER2013's labels", "crowd": "majority of ten people"}
HEADS = {"labels": "trained for the labels", "crowd": "trained for the crowd", "served": "what emotune says"}


@dataclass(frozen=True)
class Row:
    """One head of the network against one truth; shares from 0 to 1.

    `strangers` is the accuracy on pictures without a near-duplicate among those it was trained on.
    """

    head: str
    truth: str
    accuracy: float
    macro_f1: float
    ece: float
    served: bool
    strangers: float | None


@dataclass(frozen=True)
class Served:
    """What emotune says, against one truth: figures by emotion, and drawings as SVG."""

    truth: str
    count: int
    by_emotion: list[tuple[str, float, float, int]]
    confusion: list[tuple[str, list[tuple[int, bool]]]]
    recall_svg: str
    reliability_svg: str
    risk_svg: str
    error_at_80: float | None
    error: float


def model_page(folder: Path) -> dict[str, Any]:
    """Return what the page shows of a folder's card, which is read once; without a model, nothing but that."""
    try:
        return _page_of(folder)
    except ModelFileError:
        return {"card": None}


@cache
def _page_of(folder: Path) -> dict[str, Any]:
    card = load_card(folder)
    return {
        "card": card,
        "rows": _rows(card),
        "twins": _twins(card),
        "served": [_served(truth, found) for truth, found in card.measures.get("served", {}).items()],
        "emotions": EMOTIONS,
    }


def _rows(card: Card) -> list[Row]:
    return [
        Row(
            HEADS[head],
            TRUTHS[truth],
            found["accuracy"],
            found["macro_f1"],
            found["ece"],
            head == "served",
            found.get("strangers", {}).get("accuracy"),
        )
        for head, truths in card.measures.items()
        for truth, found in truths.items()
    ]


def _twins(card: Card) -> float | None:
    """Return the share of the pictures measured that have a near-duplicate among those trained on, if that is known."""
    found = card.measures.get("served", {}).get("labels", {})
    return 1 - found["strangers"]["count"] / found["count"] if "strangers" in found else None


def _served(truth: str, found: dict[str, Any]) -> Served:
    confusion: list[list[int]] = found["confusion"]
    name = TRUTHS[truth]
    risk = found.get("risk", [])  # cards of earlier trainings have no curves
    return Served(
        truth=name,
        count=found["count"],
        by_emotion=[
            (emotion, found["recall"][emotion], found["precision"][emotion], sum(row))
            for emotion, row in zip(EMOTIONS, confusion, strict=True)
        ],
        confusion=[
            (emotion, [(count, i == j) for j, count in enumerate(row)])
            for i, (emotion, row) in enumerate(zip(EMOTIONS, confusion, strict=True))
        ],
        recall_svg=plots.emotion_bars(f"Share found of each emotion ({name})", found["recall"]),
        reliability_svg=plots.reliability_diagram(f"Confidence and truth ({name})", found["reliability"])
        if "reliability" in found
        else "",
        risk_svg=plots.risk_coverage_curve(f"Error when unsure readings are left out ({name})", risk) if risk else "",
        error_at_80=next((error for coverage, error in risk if coverage == 0.8), None),
        error=1 - found["accuracy"],
    )
