"""The seven emotions: one set and one order for faces, tracks and the interface."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """One emotion: its anchor in valence-arousal-dominance space and how the interface shows it.

    `anchor` is on the 1-9 scale of Warriner, Kuperman and Brysbaert (2013), with the values that Chitturi and Kapila
    seeded their clusters with. `colour` is a CSS colour; the seven stay apart for colour-blind people because they
    differ in lightness as well as hue (after Okabe and Ito's palette). `adjective` completes "You look ...".
    """

    name: str
    anchor: tuple[float, float, float]
    colour: str
    glyph: str
    adjective: str


EMOTION_LIST: tuple[Emotion, ...] = (
    Emotion("angry", (2.50, 5.93, 5.14), "#d55e00", "◆", "angry"),
    Emotion("disgust", (1.69, 3.33, 4.46), "#7a8b00", "▼", "disgusted"),
    Emotion("fear", (2.97, 5.16, 2.87), "#9467bd", "▲", "afraid"),
    Emotion("happy", (8.21, 5.55, 7.00), "#e69f00", "●", "happy"),
    Emotion("sad", (2.40, 2.81, 3.84), "#0072b2", "■", "sad"),
    Emotion("surprise", (7.21, 7.54, 7.25), "#cc79a7", "✦", "surprised"),
    Emotion("neutral", (4.12, 3.38, 4.43), "#7f7f7f", "○", "neutral"),
)

EMOTIONS: tuple[str, ...] = tuple(emotion.name for emotion in EMOTION_LIST)
BY_NAME: dict[str, Emotion] = {emotion.name: emotion for emotion in EMOTION_LIST}
ANCHORS: tuple[tuple[float, float, float], ...] = tuple(emotion.anchor for emotion in EMOTION_LIST)
