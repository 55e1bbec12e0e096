"""Look at how a picture's file is built, before a decoder does: some small files are made to cost hours.

A JPEG may repeat a scan over all its pixels thousands of times, and Pillow goes through what stands before the first
scan byte by byte; a PNG may have a million empty chunks. Cameras and programs build nothing like that.
"""

import re

# Markers after which something begins; stuffed bytes, fill bytes and restarts inside of a scan are none.
JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
SCAN, END, EXIF = 0xDA, 0xD9, 0xE1
MAX_SEGMENTS = 1000
MAX_EXIF = 4
# Bytes before the first scan that belong to nothing; some cameras pad.
MAX_JUNK = 4096
MAX_SCANS = 64
# Pixels times scans: ten scans, as programs write them, of the largest picture pass.
MAX_SCANNED = 1_000_000_000
# libpng writes pixels in pieces of 8 KiB.
MAX_CHUNKS = 10_000


def is_overgrown(data: bytes) -> bool:
    """Whether a JPEG or PNG is built to cost much more than its size and pixels say. Other bytes are not judged."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg_is_overgrown(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_is_overgrown(data)
    return False


def _jpeg_is_overgrown(data: bytes) -> bool:
    at, junk, segments, exif, scans, pixels = 2, 0, 0, 0, 0, 0
    while found := JPEG_MARKER.search(data, at):
        kind, begin = found[1][0], found.end()
        if kind == END and scans:
            break
        junk += 0 if scans else found.start() - at
        segments += 1
        exif += kind == EXIF and data[begin + 2 : begin + 6] == b"Exif"
        scans += kind == SCAN
        if kind in FRAMES:
            height, width = (int.from_bytes(data[begin + i : begin + i + 2]) for i in (3, 5))
            pixels = max(pixels, height * width)
        if segments > MAX_SEGMENTS or exif > MAX_EXIF or junk > MAX_JUNK or scans > MAX_SCANS:
            return True
        if scans > 1 and scans * pixels > MAX_SCANNED:
            return True
        at = begin + int.from_bytes(data[begin : begin + 2])
    return not scans and len(data) - at > MAX_JUNK


def _png_is_overgrown(data: bytes) -> bool:
    at = 8
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return False
        at += 12 + int.from_bytes(data[at : at + 4])
    return True
