"""Random changes to batches of face pictures: what a webcam does to a face that FER2013's pictures do not show.

NumPy alone, so that training runs on any Keras backend.
"""

import numpy as np
import numpy.typing as npt

Batch = npt.NDArray[np.float32]


def augment(faces: Batch, rng: np.random.Generator, strength: float = 1) -> Batch:
    """Return changed copies of (n, h, w) faces with values in 0..1: geometry, light, sharpness and occlusion.

    `strength` is how far and how often they are changed; at 0 they are mirrored and a little stretched at most.
    """
    changed = warp(faces, rng, strength)
    changed = relight(changed, rng, strength)
    changed = soften(changed, rng, share=0.15 * strength)
    return erase(changed, rng, share=0.3 * strength)


def warp(faces: Batch, rng: np.random.Generator, strength: float = 1) -> Batch:
    """Mirror half of the faces; turn all by up to 15 degrees, scale by 15 % and shift by 8 % of the width."""
    turn, zoom, shift = 15 * strength, 0.15 * strength, 0.08 * strength
    n, height, width = faces.shape
    angle = np.deg2rad(rng.uniform(-turn, turn, n))
    scale = np.exp(rng.uniform(-zoom, zoom, n))
    stretch = np.exp(rng.uniform(-0.06, 0.06, n))
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    dx, dy = (_uniform(rng, shift * width, n) for _ in range(2))
    column = _combine(mirror * stretch * cos, x, -mirror * stretch * sin, y) + dx[:, None, None]
    row = _combine(sin, x, cos, y) + dy[:, None, None]
    return _sample(faces, row + (height - 1) / 2, column + (width - 1) / 2)


def _uniform(rng: np.random.Generator, bound: float, n: int) -> Batch:
    values: Batch = rng.uniform(-bound, bound, n).astype(np.float32)
    return values


def _combine(a: npt.ArrayLike, x: npt.ArrayLike, b: npt.ArrayLike, y: npt.ArrayLike) -> Batch:
    """Return a * x + b * y, (n, h, w), for (n,) factors and (h, w) grids."""
    a, b, x, y = (np.asarray(value, np.float32) for value in (a, b, x, y))
    combined: Batch = a[:, None, None] * x + b[:, None, None] * y
    return combined


def _sample(faces: Batch, row: Batch, column: Batch) -> Batch:
    """Sample bilinearly; what lies outside repeats the edge, as a face cut by the frame's border looks."""
    n, height, width = faces.shape
    row, column = np.clip(row, 0, height - 1.01), np.clip(column, 0, width - 1.01)
    top, left = row.astype(np.int32), column.astype(np.int32)
    down, right = row - top.astype(np.float32), column - left.astype(np.float32)
    flat = faces.reshape(-1)
    at = (np.arange(n, dtype=np.int32) * (height * width))[:, None, None] + top * width + left
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + width] * (1 - right) + flat[at + width + 1] * right
    sampled: Batch = upper * (1 - down) + lower * down
    return sampled


def relight(faces: Batch, rng: np.random.Generator, strength: float = 1) -> Batch:
    """Change contrast, brightness and gamma, and lay a linear shade over half of the faces (a window at one side)."""
    n, height, width = faces.shape
    contrast, gamma = np.exp(_uniform(rng, 0.4 * strength, n)), np.exp(_uniform(rng, 0.35 * strength, n))
    brightness = _uniform(rng, 0.15 * strength, n)
    mean = faces.mean(axis=(1, 2), keepdims=True)
    lit = (faces - mean) * contrast[:, None, None] + mean + brightness[:, None, None]
    angle = rng.uniform(0, 2 * np.pi, n)
    shade = np.where(rng.random(n) < 0.5, rng.uniform(0, 0.25 * strength, n), 0).astype(np.float32)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    lit = lit + shade[:, None, None] * _combine(np.cos(angle), x, np.sin(angle), y)
    shaded: Batch = np.clip(lit, 0, 1) ** gamma[:, None, None]
    return shaded


def soften(faces: Batch, rng: np.random.Generator, *, share: float) -> Batch:
    """Blur a share of the faces with a 3x3 box, and add sensor noise to another share."""
    blurred, noisy = rng.random(len(faces)) < share, rng.random(len(faces)) < share
    out = faces.copy()
    padded = np.pad(faces[blurred], ((0, 0), (1, 1), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    out[blurred] = windows.mean(axis=(-1, -2), dtype=np.float32)
    noise = rng.standard_normal(out[noisy].shape, np.float32) * np.float32(0.025)
    out[noisy] = np.clip(out[noisy] + noise, 0, 1)
    return out


def erase(faces: Batch, rng: np.random.Generator, *, share: float) -> Batch:
    """Cover a rectangle of up to a quarter of the picture in a share of the faces (a hand, a mug, hair)."""
    n, height, width = faces.shape
    out = faces.copy()
    for i in np.flatnonzero(rng.random(n) < share):
        h, w = int(rng.uniform(0.1, 0.5) * height), int(rng.uniform(0.1, 0.5) * width)
        top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        out[i, top : top + h, left : left + w] = rng.random()
    return out
