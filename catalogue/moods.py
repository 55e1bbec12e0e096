"""Which emotion a track's AllMusic moods name plainly: what a tagging is measured by, and where `anchored` begins."""

from collections.abc import Iterable

from emotune.emotions import EMOTIONS

# A track with words of two lists goes by the later one.
MOOD_WORDS: dict[str, tuple[str, ...]] = {
    "happy": ("happy", "cheerful", "joyous", "fun", "celebratory", "exuberant"),
    "sad": ("sad", "melancholy", "gloomy", "somber", "sorrowful", "bleak", "wistful", "mournful"),
    "angry": ("angry", "aggressive", "hostile", "rebellious", "outraged", "malevolent"),
    "fear": ("spooky", "scary", "ominous", "menacing", "paranoid", "eerie", "fearful", "unsettling"),
    "neutral": ("calm", "peaceful", "relaxed", "mellow", "soft", "gentle", "soothing"),
}
UNNAMED = -1

_PLACES = {word: place for place, words in enumerate(MOOD_WORDS.values()) for word in words}
_INDICES = (UNNAMED, *(EMOTIONS.index(emotion) for emotion in MOOD_WORDS))


def mood_of(words: Iterable[str]) -> int:
    """Return the index in EMOTIONS of the emotion that mood words name, UNNAMED (-1) when they name none."""
    return _INDICES[1 + max((_PLACES.get(word.lower(), -1) for word in words), default=-1)]
