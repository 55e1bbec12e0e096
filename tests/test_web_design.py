"""The visual language: emotions that colour-blind people can tell apart, and words that can be read."""

import re
from itertools import combinations

import numpy as np
import pytest
from django.conf import settings

from emotune.emotions import EMOTION_LIST, EMOTIONS

SHEET = (settings.BASE_DIR / "static" / "css" / "emotune.css").read_text()

# What somebody without one kind of cone sees, in linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
WHITE = np.array([0.9505, 1.0, 1.089])


def schemes() -> dict[str, str]:
    """Return the parts of the sheet that give a light and a dark page their colours."""
    dark = "".join(re.findall(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", SHEET, re.DOTALL))
    light = re.sub(r"@media \(prefers-color-scheme: dark\) \{.*?\n\}", "", SHEET, flags=re.DOTALL)
    return {"light": light, "dark": dark}


def emotion_colours(sheet: str) -> dict[str, str]:
    return dict(re.findall(r'\[data-emotion="(\w+)"\] \{ --emotion: (#\w{6}); \}', sheet))


def tokens(sheet: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#\w{6});", sheet))


def linear(colour: str) -> np.ndarray:
    """Return the linear red, green and blue (0 to 1) of an sRGB colour."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of a linear RGB colour."""
    xyz = XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2 between two colours, 1 to 21."""
    light, dark = sorted((float(XYZ[1] @ linear(colour)) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_colours_of_the_style_sheet_are_those_of_the_emotions():
    assert emotion_colours(schemes()["light"]) == {emotion.name: emotion.colour for emotion in EMOTION_LIST}
    assert tuple(emotion_colours(schemes()["dark"])) == EMOTIONS


def test_the_admin_draws_emotions_in_the_same_colours():
    sheet = (settings.BASE_DIR / "static" / "css" / "admin.css").read_text()
    found = re.findall(r'\[data-emotion="(\w+)"\] \{ color: light-dark\((#\w{6}), (#\w{6})\); \}', sheet)
    assert {name: light for name, light, _ in found} == emotion_colours(schemes()["light"])
    assert {name: dark for name, _, dark in found} == emotion_colours(schemes()["dark"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_emotions_differ_for_every_kind_of_sight(scheme, sight):
    seen = {name: lab(SIGHT[sight] @ linear(c)) for name, c in emotion_colours(schemes()[scheme]).items()}
    distances = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    nearest = min(distances, key=lambda pair: distances[pair])
    assert distances[nearest] > 20, (nearest, distances[nearest])  # 2.3 is the least that anybody notices


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_of_an_emotion_stands_out_from_the_surface(scheme):
    surface = tokens(schemes()[scheme])["surface"]
    for name, colour in emotion_colours(schemes()[scheme]).items():
        assert contrast(colour, surface) >= 3, name


def test_a_mask_is_there_for_browsers_that_know_it_by_its_first_name_only():
    for file in (settings.BASE_DIR / "static" / "css").glob("*.css"):
        masks = re.findall(r"^\s*(?:(-webkit-mask: [^;]*);.*\n\s*)?mask: ([^;]*);", file.read_text(), re.MULTILINE)
        assert [first for first, _ in masks] == [f"-webkit-mask: {value}" for _, value in masks], file.name


def test_every_emotion_has_a_sign_of_its_own():
    assert len({emotion.glyph for emotion in EMOTION_LIST}) == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("under", ["paper", "surface", "tint"])
def test_words_can_be_read(scheme, under):
    colours = tokens(schemes()[scheme])
    for over in ("ink", "muted", "accent", "accent-strong"):
        assert contrast(colours[over], colours[under]) >= 4.5, over
    assert contrast(colours["bad"], colours["bad-tint"]) >= 4.5
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("under", ["paper", "surface"])
def test_the_borders_of_controls_can_be_seen(scheme, under):
    colours = tokens(schemes()[scheme])
    assert contrast(colours["edge"], colours[under]) >= 3
