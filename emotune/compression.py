"""Static files, compressed: each when it is first asked for, and kept in the data folder for later.

Nothing has to be collected before a process starts, and what was compressed is found by its content, so that no file of
an earlier version is ever sent. Pages are not compressed: they hold secrets, and their sizes would tell of them.
"""

import contextlib
import gzip
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

WORTH = ("text/", "application/json", "application/javascript", "image/svg+xml")
# Smaller files fit into one packet anyway; of larger ones this part must go, or they are sent as they are.
LEAST_BYTES, LEAST_SAVED = 600, 0.1


class CompressedStaticMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serve static files, to whoever takes gzip in that. With DEBUG, files are served as they are on the disk now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.untried: dict[str, str] = {}
        super().__init__(get_response)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        super().add_file_to_dictionary(url, path, stat_cache)
        self.untried[url] = path

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # popping settles which of several threads does it; the others send the file as it is meanwhile
        if path := self.untried.pop(request.path_info, ""):
            self._compress(request.path_info, path)
        answer: HttpResponseBase = super().__call__(request)
        return answer

    def _compress(self, url: str, path: str) -> None:
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        if not str(headers["Content-Type"]).startswith(WORTH):
            return
        with contextlib.suppress(OSError):  # a full or read-only disk: the file stays as it is
            compressed = compressed_copy(Path(path), settings.DATA_DIR / "compressed")
            if compressed:
                self.add_cache_headers(headers, path, url)
                headers["Access-Control-Allow-Origin"] = "*"
                self.files[url] = StaticFile(path, headers.items(), encodings={"gzip": str(compressed)})


def compressed_copy(file: Path, folder: Path) -> Path | None:
    """Return a copy of a file compressed by gzip, made unless it is there; None where that is not worth it.

    Raises OSError where nothing can be written.
    """
    content = file.read_bytes()
    if len(content) < LEAST_BYTES:
        return None
    copy = folder / f"{sha256(content).hexdigest()}.gz"
    if not copy.exists():
        packed = gzip.compress(content, mtime=0)
        if len(packed) > (1 - LEAST_SAVED) * len(content):
            return None
        folder.mkdir(exist_ok=True)
        # written whole under another name first: another process may be doing the same
        part = folder / f"{secrets.token_hex(8)}.part"
        try:
            part.write_bytes(packed)
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)  # what a full disk took of it
    return copy
