"""Fetch MuSe from where its authors publish it, through the kagglehub package, without an account."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

from emotune.errors import EmotuneError, Unavailable

DATASET = "cakiki/muse-the-musical-sentiment-dataset"
PREFERRED = "muse_v3.csv"


class NotInstalled(EmotuneError):
    """The package that fetches data sets is missing."""

    status = 503


def fetch_muse() -> Path:
    """Return the path of MuSe's CSV, downloaded now or, by kagglehub, before. Raises EmotuneError with a sentence."""
    try:
        import kagglehub
    except ImportError:
        raise NotInstalled("Downloading needs the package kagglehub. Install it: pip install kagglehub") from None
    try:
        # what the package has to say is no output of a command's
        with redirect_stdout(sys.stderr):
            folder = Path(kagglehub.dataset_download(DATASET))
    except Exception as error:  # its errors and those of the libraries beneath it have no base of their own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise Unavailable(
            f"MuSe could not be downloaded ({reason}). Check the network, or fetch the file and name it."
        ) from error
    files = sorted(folder.rglob("*.csv"))
    preferred = [file for file in files if file.name == PREFERRED]
    if len(files) != 1 and len(preferred) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise Unavailable(f"The download holds other CSV files than {PREFERRED}: {names}. Name the one to import.")
    return (preferred or files)[0]
