"""Measure how alike trainings end that should end alike: again with the same seed, and killed and gone on with.

python -m benchmarks.retraining --data fer2013plus.zip [--share 0.2] [--epochs 4]

Trains the published network on with a share of the training pictures, three times by the command `train_detector`:
once, once more, and a third time killed (SIGKILL) in the second half of its epochs and called again. Prints what each
is worth on the same share of the public test, and by how many points the others are away from the first.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPLITS = ("train", "public_test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the zip with the splits train and public_test")
    parser.add_argument("--share", type=float, default=0.2, help="of the pictures")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emotune-retraining-") as place:
        folder = Path(place)
        part = folder / "part.zip"
        count = write_part(options.data, part, options.share)
        print(f"{count:,} pictures, {options.epochs} epochs, from the published weights")
        first = None
        for name, killed_in in (("once", 0), ("again", 0), ("killed", options.epochs // 2 + 1)):
            measures = trained(part, folder / name, options.epochs, killed_in)
            first = first or measures
            print(
                f"{name:7}"
                + "  ".join(
                    f"{what} {value:.1%} ({100 * (value - first[what]):+.2f} points)"
                    for what, value in measures.items()
                ),
                flush=True,
            )


def write_part(data: Path, part: Path, share: float) -> int:
    """Copy a share of the pictures, the same ones each time, and all votes; return how many pictures."""
    count = 0
    with zipfile.ZipFile(data) as source, zipfile.ZipFile(part, "w") as target:
        for name in source.namelist():
            is_picture = name.split("/")[0] in SPLITS and not name.endswith("/")
            if is_picture and zlib.crc32(name.encode()) % 1000 >= 1000 * share:
                continue
            if is_picture or name.endswith(".csv"):
                target.writestr(name, source.read(name))
                count += is_picture
    return count


def trained(data: Path, out: Path, epochs: int, killed_in: int) -> dict[str, float]:
    """Train, killed in an epoch and called again where one is given; return the accuracies by head and truth."""
    command = [sys.executable, str(ROOT / "manage.py"), "train_detector", "--data", str(data), "--out", str(out)]
    command += ["--start", str(ROOT / "models" / "emotune"), "--epochs", str(epochs), "--rate", "0.001"]
    if killed_in:
        kill_in_epoch(command, killed_in)
        assert (out / "checkpoint").is_dir(), "it ended before it could be killed"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    measures = json.loads((out / "card.json").read_text())["measures"]
    return {
        f"{head}, {truth}": measures[head][truth]["accuracy"]
        for head, truth in (("labels", "labels"), ("crowd", "crowd"))
    }


def kill_in_epoch(command: list[str], epoch: int) -> None:
    """Start a training and kill it once it says that it is within an epoch, counted from 1."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        said = b""
        while f"epoch {epoch} of".encode() not in said:
            more = process.stderr.read1(4096)
            assert more, f"the training ended: {said[-500:].decode(errors='replace')}"
            said = said[-4096:] + more
        process.kill()


if __name__ == "__main__":
    main()
