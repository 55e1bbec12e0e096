"""What the page about the reader shows of the model card that lies beside the weights."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from detection.templatetags import figures
from detection.vision import plots
from detection.vision.card import Card, ModelFileError, load_card
from emotune.emotions import EMOTIONS

# How the files in which FER2013 is handed out begin.
FER2013 = ("fer2013", "icml_face_data")
HEADS = {"labels": "trained for the labels", "crowd": "trained for the crowd", "served": "what emotune says"}


@dataclass(frozen=True)
class Row:
    """One head of the network against one truth; shares from 0 to 1, None where the card does not tell them.

    `strangers` is the accuracy on pictures without a near-duplicate among those it was trained on.
    """

    head: str
    truth: str
    accuracy: float | None
    macro_f1: float | None
    ece: float | None
    served: bool
    strangers: float | None


@dataclass(frozen=True)
class Served:
    """What emotune says, against one truth: figures by emotion, and drawings as SVG, as far as the card tells them."""

    truth: str
    by_emotion: list[tuple[str, float | None, float | None, int | None]]
    confusion: list[tuple[str, list[tuple[int, bool]]]]
    recall_svg: str
    reliability_svg: str
    risk_svg: str
    error_at_80: float | None
    error: float | None


def model_page(folder: Path) -> dict[str, Any]:
    """Return what the page shows of a folder's card, which is read when it changes; without a model, nothing but that.

    `data` is what people call the data set, "" where the card does not tell; `is_voted` is whether people voted on it.
    """
    try:
        return _page_of(folder, (folder / "card.json").stat().st_mtime_ns)
    except (ModelFileError, OSError):
        return {"card": None}


@lru_cache(maxsize=8)
def _page_of(folder: Path, _changed: int) -> dict[str, Any]:
    card = load_card(folder)
    name = str(card.data.get("name", ""))
    is_fer2013 = name.lower().startswith(FER2013)
    truths = {"labels": "FER2013's labels", "crowd": "the majority of ten people"}
    if not is_fer2013:
        truths = {"labels": f"labels of {name or 'the data'}", "crowd": "the majority of those asked"}
    return {
        "card": card,
        "data": "FER2013" if is_fer2013 else name,
        "is_fer2013": is_fer2013,
        "is_voted": any("crowd" in measures for measures in card.measures.values()),
        "serves": _serves(card.blend),
        "rows": _rows(card, truths),
        "twins": _twins(card),
        "served": [_served(truths.get(by, by), found) for by, found in card.measures.get("served", {}).items()],
        "emotions": EMOTIONS,
    }


def _serves(blend: float) -> str:
    """Return what is served of both heads, that of the labels first, where the other has a share of `blend`."""
    known = {0.0: "what the one for the label says", 0.5: "their mean", 1.0: "what the one for the crowd says"}
    return known.get(blend, f"both, with a share of {figures.share(blend)} for the crowd's")


def _rows(card: Card, truths: dict[str, str]) -> list[Row]:
    return [
        Row(
            HEADS.get(head, head),
            truths.get(truth, truth),
            found.get("accuracy"),
            found.get("macro_f1"),
            found.get("ece"),
            head == "served",
            found.get("strangers", {}).get("accuracy"),
        )
        for head, measures in card.measures.items()
        for truth, found in measures.items()
    ]


def _twins(card: Card) -> float | None:
    """Return the share of the pictures measured that have a near-duplicate among those trained on, if that is known."""
    found = card.measures.get("served", {}).get("labels", {})
    count, apart = found.get("count"), found.get("strangers", {}).get("count")
    return 1 - apart / count if count and apart is not None else None


def _served(name: str, found: dict[str, Any]) -> Served:
    """Return what a card tells of the answers against one truth; cards of earlier trainings have no curves."""
    precision = found.get("precision", {})
    recall = {emotion: share for emotion, share in found.get("recall", {}).items() if emotion in EMOTIONS}
    shown = dict(zip(EMOTIONS, found.get("confusion", []), strict=False))
    bins, risk = found.get("reliability"), found.get("risk", [])
    return Served(
        truth=name,
        by_emotion=[
            (emotion, recall.get(emotion), precision.get(emotion), sum(shown[emotion]) if emotion in shown else None)
            for emotion in EMOTIONS
            if emotion in recall
        ],
        confusion=[
            (emotion, [(count, emotion == read) for read, count in zip(EMOTIONS, row, strict=False)])
            for emotion, row in shown.items()
        ],
        recall_svg=plots.emotion_bars(f"Share found of each emotion ({name})", recall) if recall else "",
        reliability_svg=plots.reliability_diagram(f"Confidence and truth ({name})", bins) if bins else "",
        risk_svg=plots.risk_coverage_curve(f"Error by coverage ({name})", risk) if risk else "",
        error_at_80=next((error for coverage, error in risk if coverage == 0.8), None),
        error=1 - found["accuracy"] if "accuracy" in found else None,
    )
