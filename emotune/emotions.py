"""The seven emotions: one set and one order for faces, tracks and the interface."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """One emotion: its anchor in valence-arousal-dominance space and how the interface shows it.

    `anchor` is on the 1-9 scale of Warriner, Kuperman and Brysbaert (2013), with the values that Chitturi and Kapila
    seeded their clusters with. `colour` is a CSS colour on a light page (the style sheet has others for a dark one);
    the seven stay apart for colour-blind people because they differ in lightness as well as hue, and each has a
    `glyph` of its own. `adjective` completes "You look ...".
    """

    name: str
    anchor: tuple[float, float, float]
    colour: str
    glyph: str
    adjective: str


EMOTION_LIST: tuple[Emotion, ...] = (
    Emotion("angry", (2.50, 5.93, 5.14), "#791f05", "◆", "angry"),
    Emotion("disgust", (1.69, 3.33, 4.46), "#4f9d5e", "▼", "disgusted"),
    Emotion("fear", (2.97, 5.16, 2.87), "#5e2377", "▲", "afraid"),
    Emotion("happy", (8.21, 5.55, 7.00), "#a88a14", "●", "happy"),
    Emotion("sad", (2.40, 2.81, 3.84), "#3c5adc", "■", "sad"),
    Emotion("surprise", (7.21, 7.54, 7.25), "#d062a7", "✦", "surprised"),
    Emotion("neutral", (4.12, 3.38, 4.43), "#3c3f44", "○", "neutral"),
)

EMOTIONS: tuple[str, ...] = tuple(emotion.name for emotion in EMOTION_LIST)
BY_NAME: dict[str, Emotion] = {emotion.name: emotion for emotion in EMOTION_LIST}
ANCHORS: tuple[tuple[float, float, float], ...] = tuple(emotion.anchor for emotion in EMOTION_LIST)
