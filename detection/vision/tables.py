"""The tables of the paper that emotune reproduces, with its own figures beside those that were measured."""

from collections.abc import Mapping
from typing import Any

# Chitturi and Kapila, "Emotion-Aware Music Recommendation System": shares of their AffectNet test (500 pictures of each
# emotion), shares of FER2013 for the training, milliseconds.
PAPER: dict[str, dict[str, Any]] = {
    "CNN": {
        "train_accuracy": 0.7483,
        "accuracy": 0.342,
        "milliseconds": 60,
        "recall": {
            "angry": 0.350,
            "disgust": 0.005,
            "fear": 0.088,
            "happy": 0.920,
            "sad": 0.596,
            "surprise": 0.116,
            "neutral": 0.326,
        },
    },
    "DeepFace": {
        "train_accuracy": 0.8735,
        "accuracy": 0.228,
        "milliseconds": 97,
        "recall": {
            "angry": 0.178,
            "disgust": 0.036,
            "fear": 0.232,
            "happy": 0.536,
            "sad": 0.190,
            "surprise": 0.076,
            "neutral": 0.348,
        },
    },
    "FER": {
        "train_accuracy": 0.9219,
        "accuracy": 0.358,
        "milliseconds": 85,
        "recall": {
            "angry": 0.252,
            "disgust": 0.102,
            "fear": 0.336,
            "happy": 0.690,
            "sad": 0.374,
            "surprise": 0.184,
            "neutral": 0.574,
        },
    },
}
# The paper's order.
ORDER = ("neutral", "sad", "happy", "angry", "disgust", "surprise", "fear")
# Systems that an evaluation could not run, with what to do, stand beside figures under this key.
MISSING = "missing"


def columns(measured: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what stands side by side: the paper's systems, then those measured; one that is missing has no figures."""
    return {f"{name} (paper)": figures for name, figures in PAPER.items()} | dict(measured)


def table_4_1(measured: Mapping[str, dict[str, Any]]) -> str:
    """Return Table 4.1 in Markdown: accuracy and response time."""
    rows = {
        "train accuracy, FER2013 (%)": lambda f: _percent(f.get("train_accuracy")),
        "test accuracy (%)": lambda f: _percent(f.get("accuracy")),
        "... of the faces found (%)": lambda f: _percent(f.get("accuracy_found")),
        "macro-F1": lambda f: _number(f.get("macro_f1")),
        "faces missed": lambda f: str(f.get("no_face", "")),
        "calibration error": lambda f: _number(f.get("ece")),
        "response time (ms)": lambda f: f"{f['milliseconds']:g}" if "milliseconds" in f else "",
    }
    return _markdown("Table 4.1", columns(measured), rows)


def table_4_2(measured: Mapping[str, dict[str, Any]]) -> str:
    """Return Table 4.2 in Markdown: recall by emotion, in the paper's order."""
    rows = {name: lambda f, name=name: _number(f.get("recall", {}).get(name)) for name in ORDER}
    return _markdown("Table 4.2: recall", columns(measured), rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _markdown(title: str, systems: Mapping[str, dict[str, Any]], rows: Mapping[str, Any]) -> str:
    """Lay a table out in columns of one width; what an evaluation could not run has dashes."""
    table = [[title, *systems], ["---"] * (len(systems) + 1)]
    for name, cell in rows.items():
        table.append([name, *("-" if MISSING in figures else cell(figures) for figures in systems.values())])
    widths = [max(len(row[i]) for row in table) for i in range(len(systems) + 1)]
    lines = ("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(lines)
