"""Run one peer in the peers' own environment: pictures on stdin, what it reads of each on stdout.

python -P detection/vision/peer_process.py NAME [--crops]

First it writes one line of JSON: {"ready": true, "parameters": N} or {"missing": "a sentence"}. Then each picture is a
line [height, width] followed by its RGB bytes, and each answer a line {"scores": {emotion: share} or null, "faces": N,
"milliseconds": T}, or {"error": "a sentence"} where the peer broke on the picture. With --crops a picture is a face
that was cut out already, and nothing is looked for. The module imports nothing of emotune, whose packages that
environment does not have.
"""

import argparse
import json
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Scores of the largest face (None where there is none) and the number of faces in a BGR picture.
Answer = tuple[dict[str, float] | None, int]
Peer = Callable[[Any], Answer]


class Missing(Exception):
    """The peer cannot run here; the message says what to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--crops", action="store_true")
    options = parser.parse_args()
    # Peers print as they like: what they write to stdout goes to stderr, so that answers stay alone.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        peer, parameters = PEERS[options.name](options.crops)
    except ImportError as error:
        print(json.dumps({"missing": f"{error}; `make peers` installs it"}), file=answers)
    except Missing as error:
        print(json.dumps({"missing": str(error)}), file=answers)
    else:
        print(json.dumps({"ready": True, "parameters": parameters}), file=answers)
        serve(peer, answers)


def serve(peer: Peer, answers: Any) -> None:
    """Answer pictures until stdin ends."""
    while line := sys.stdin.buffer.readline():
        height, width = json.loads(line)
        pixels = np.frombuffer(sys.stdin.buffer.read(height * width * 3), np.uint8).reshape(height, width, 3)
        picture = np.ascontiguousarray(pixels[..., ::-1])
        start = time.perf_counter()
        try:
            scores, faces = peer(picture)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next picture may do; it is counted and told
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers)
            continue
        elapsed = round(1000 * (time.perf_counter() - start), 3)
        print(json.dumps({"scores": scores, "faces": faces, "milliseconds": elapsed}), file=answers)


def fer(crops: bool, detector: str = "haar") -> tuple[Peer, int]:
    _stand_in_for_torchvision()
    from fer import fer as module

    found = module.FER(mtcnn=detector == "mtcnn", **({"offsets": (0, 0)} if crops else {}))

    def read(picture: Any) -> Answer:
        whole = [(0, 0, picture.shape[1], picture.shape[0])] if crops else None
        faces = found.detect_emotions(picture, face_rectangles=whole)
        largest = max(faces, key=lambda face: face["box"][2] * face["box"][3], default=None)
        return largest and {name: float(score) for name, score in largest["emotions"].items()}, len(faces)

    return read, _count(Path(module.__file__).parent / "data" / "emotion_model.hdf5")


def deepface(crops: bool) -> tuple[Peer, int]:
    weights = (
        Path(os.environ.get("DEEPFACE_HOME", Path.home())) / ".deepface/weights/facial_expression_model_weights.h5"
    )
    if not weights.is_file():
        raise Missing(
            f"deepface has no weights, and none are downloaded unasked; put {weights.name} of the releases of"
            f" serengil/deepface_models into {weights.parent}"
        )
    from deepface import DeepFace

    def read(picture: Any) -> Answer:
        how = {"detector_backend": "skip" if crops else "opencv", "enforce_detection": not crops, "silent": True}
        try:
            faces = DeepFace.analyze(picture, actions=("emotion",), **how)
        except ValueError as error:
            if "could not be detected" not in str(error):  # how it says that there is no face
                raise
            faces = []
        largest = max(faces, key=lambda face: face["region"]["w"] * face["region"]["h"], default=None)
        return largest and {name: float(share) / 100 for name, share in largest["emotion"].items()}, len(faces)

    return read, _count(weights)


def mtcnn(crops: bool) -> tuple[Peer, int]:
    if crops:
        raise Missing("mtcnn finds faces and reads no emotion; measure it on frames")
    from mtcnn import MTCNN

    finder = MTCNN()
    return lambda picture: (None, len(finder.detect_faces(picture[..., ::-1]))), 0


def _count(file: Path) -> int:
    """Return how many numbers the layers in a Keras HDF5 file have."""
    import h5py

    sizes: list[int] = []
    with h5py.File(file) as stored:
        layers = stored.get("model_weights", stored)
        layers.visititems(lambda _, item: sizes.append(item.size) if hasattr(item, "size") else None)
    return sum(sizes)


def _stand_in_for_torchvision() -> None:
    """Give facenet-pytorch the two functions of torchvision that it calls, whose builds are tied to one PyTorch."""
    functional, boxes = types.ModuleType("functional"), types.ModuleType("boxes")
    setattr(functional, "to_tensor", to_tensor)  # noqa: B010 - a module made here has no such attribute to mypy
    setattr(boxes, "batched_nms", batched_nms)  # noqa: B010
    for parent, name, module in (("transforms", "functional", functional), ("ops", "boxes", boxes)):
        package = types.ModuleType(f"torchvision.{parent}")
        setattr(package, name, module)
        sys.modules |= {f"torchvision.{parent}": package, f"torchvision.{parent}.{name}": module}
    sys.modules["torchvision"] = types.ModuleType("torchvision")


def to_tensor(picture: Any) -> Any:
    """Return a picture (h, w, c) as a float tensor (c, h, w); bytes become shares of 255."""
    import torch

    pixels = np.asarray(picture)
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, 0))).float()
    return tensor / 255 if pixels.dtype == np.uint8 else tensor


def batched_nms(boxes: Any, scores: Any, groups: Any, threshold: float) -> Any:
    """Return the indices of boxes (n, 4), best score first, less those that a better one of their group overlaps."""
    import torch

    corners = boxes.numpy().astype(np.float64)
    if len(corners):  # far apart, boxes of different groups never overlap
        corners = corners + (groups.numpy() * (np.ptp(corners) + 1))[:, None]
    left, top, right, bottom = corners.T
    areas = (right - left) * (bottom - top)
    kept, waiting = [], np.argsort(-scores.numpy(), kind="stable")
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        across = np.minimum(right[best], right[waiting]) - np.maximum(left[best], left[waiting])
        down = np.minimum(bottom[best], bottom[waiting]) - np.maximum(top[best], top[waiting])
        both = np.clip(across, 0, None) * np.clip(down, 0, None)
        waiting = waiting[both <= threshold * (areas[best] + areas[waiting] - both)]
    return torch.tensor(np.array(kept, np.int64))


PEERS: dict[str, Callable[[bool], tuple[Peer, int]]] = {
    "deepface": deepface,
    "fer-haar": fer,
    "fer-mtcnn": lambda crops: fer(crops, "mtcnn"),
    "mtcnn": mtcnn,
}

if __name__ == "__main__":
    main()
