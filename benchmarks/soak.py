"""Send captures of all sizes through one real worker and draw its memory: python -m benchmarks.soak [--captures 2000]

EMOTUNE_DATA names a folder with faces/*.jpg; without it scikit-image's astronaut is sent. The pictures are 100 to 4,000
pixels on the longer side, JPEG, PNG and WebP, and one in fifty may be broken. Prints the memory after 200 captures and
after all, how many captures were lost, how long the start and the first capture took, and writes an SVG of it.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from PIL import Image
from tqdm import tqdm

from benchmarks.frames import encoded, photograph_folder
from benchmarks.installation import installation, somebody, workers
from tests.servers import Process, wait_until

SIDES = (100, 160, 240, 320, 480, 640, 800, 1080, 1600, 2400, 3200, 4000)
KINDS = (("JPEG", {"quality": 85}), ("JPEG", {"quality": 85}), ("WEBP", {"method": 0}), ("PNG", {"compress_level": 1}))
JPEG = b"\xff\xd8"
AHEAD = 6
EARLY = 200
MOST_GROWTH_MB = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, default=2000)
    parser.add_argument("--svg", type=Path, default=Path("soak.svg"), help="where to draw the memory")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with installation() as env:
        user = somebody()
        begin = time.perf_counter()
        with workers(1, env) as (worker,):
            figures = {"start_s": round(time.perf_counter() - begin, 2), **soak(user, worker, options.captures)}
    memory = figures.pop("memory")
    options.svg.write_text(drawn(memory))
    early, *later = memory[min(EARLY, len(memory)) - 1 :]
    figures |= {"after_200_mb": early, "after_all_mb": memory[-1], "growth_mb": round(max([early, *later]) - early, 1)}
    if options.json:
        print(json.dumps(figures))
    else:
        print(*(f"{name:14} {value}" for name, value in figures.items()), f"drawn in {options.svg}", sep="\n")
    sys.exit(int(figures["growth_mb"] > MOST_GROWTH_MB or figures["lost"] > 0 or figures["replaced"] > 0))


def soak(user: object, worker: Process, count: int) -> dict[str, object]:
    """Send captures, a few ahead of the worker, and return what became of them and its memory after each."""
    from django.db.models import Count

    from detection.models import OPEN, Capture
    from detection.services import submit_capture

    sent = Capture.objects.filter(user=user)
    memory: list[float] = []
    readers = {child.pid for child in psutil.Process(worker.pid).children(recursive=True)}
    times: list[float] = []
    for blob in tqdm(pictures(count), total=count, unit="capture", disable=None):
        begin = time.perf_counter()
        capture = submit_capture(user=user, images=[blob], source="upload")
        alone = len(memory) < 10
        wait_until(
            "the worker",
            lambda: not sent.get(id=capture.id).is_open if alone else sent.filter(status__in=OPEN).count() < AHEAD,  # noqa: B023
            pause=0.005,
            seconds=60,
        )
        times.append(time.perf_counter() - begin)
        memory.append(rss(worker))
    wait_until("the last captures", lambda: not sent.filter(status__in=OPEN).exists(), seconds=60)
    ends = {row["status"]: row["n"] for row in sent.order_by().values("status").annotate(n=Count("id"))}
    readable = sum(ends.get(status, 0) for status in ("done", "unsure", "no_face", "failed"))
    first, tenth = times[0], sorted(times[5:10])[2]
    return {
        "captures": count,
        "lost": count - readable,
        "ends": ends,
        # one that grew too large is replaced, and what it had grown to is gone from the figures
        "replaced": len(readers - {child.pid for child in psutil.Process(worker.pid).children(recursive=True)}),
        "first_ms": round(1000 * first),
        "tenth_ms": round(1000 * tenth),
        "memory": memory,
    }


def rss(worker: Process) -> float:
    """Return the memory of the processes that read faces, in MB."""
    children = psutil.Process(worker.pid).children(recursive=True)
    return round(sum(child.memory_info().rss for child in children) / 1e6, 1)


def pictures(count: int) -> Iterator[bytes]:
    """Yield pictures of mixed sizes and formats; the first ten are alike, so that their times can be compared."""
    rng = random.Random(0)
    folder = photograph_folder()
    if folder:
        photographs = [Image.open(file).convert("RGB") for file in sorted(folder.glob("*.jpg"))]
    else:
        from skimage.data import astronaut

        photographs = [Image.fromarray(astronaut())]
    made: dict[tuple[int, int, int], bytes] = {}
    for number in range(count):
        chosen = (0, 5, 0) if number < 10 else (rng.randrange(len(photographs)), *drawn_size(rng))
        if chosen not in made:
            photograph, side, kind = photographs[chosen[0]], SIDES[chosen[1]], KINDS[chosen[2]]
            scale = side / max(photograph.size)
            size = (max(1, round(photograph.width * scale)), max(1, round(photograph.height * scale)))
            made[chosen] = encoded(photograph.resize(size, Image.Resampling.BILINEAR), kind[0], **kind[1])
        blob = made[chosen]
        # a JPEG that was cut off passes the look at its header
        yield blob[: len(blob) // 2] if number % 50 == 49 and blob.startswith(JPEG) else blob


def drawn_size(rng: random.Random) -> tuple[int, int]:
    """Return indices into SIDES and KINDS; the largest are photographs of phones, which are JPEG."""
    side = rng.randrange(len(SIDES))
    return side, 0 if SIDES[side] > 1600 else rng.randrange(len(KINDS))


def drawn(memory: list[float]) -> str:
    """Return an SVG of the memory over captures."""
    width, height, left, bottom = 800, 300, 60, 40
    top = 1.1 * max(memory)
    across = (width - left - 20) / max(1, len(memory) - 1)
    points = " ".join(
        f"{left + n * across:.1f},{height - bottom - (height - bottom - 20) * mb / top:.1f}"
        for n, mb in enumerate(memory)
    )
    marks = "".join(
        f'<text x="{left - 8}" y="{height - bottom - (height - bottom - 20) * share:.0f}" text-anchor="end">'
        f"{share * top:.0f}</text>"
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/>{marks}'
        f'<polyline points="{points}" fill="none" stroke="#2457a6" stroke-width="1.5"/>'
        f'<text x="{left}" y="{height - 12}">0</text>'
        f'<text x="{width - 20}" y="{height - 12}" text-anchor="end">{len(memory)} captures</text>'
        f'<text x="{left}" y="14">memory of the reading process, MB</text></svg>\n'
    )


if __name__ == "__main__":
    main()
