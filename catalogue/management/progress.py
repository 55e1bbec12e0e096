"""The progress bar of the catalogue's commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from catalogue.muse import Progress


@contextmanager
def progress_bar(description: str, unit: str) -> Iterator[Progress]:
    """Yield what to call with how many are done and the share of all; the bar stands on stderr, on terminals alone."""
    layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=description, file=sys.stderr, disable=None, bar_format=layout) as bar:

        def show(done: int, share: float) -> None:
            bar.set_description_str(f"{description}: {done:,} {unit}", refresh=False)
            bar.update(share - bar.n)

        yield show
