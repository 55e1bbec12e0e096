"""Files that nobody sends in good faith, made from a seed: broken, grown, disguised, and made to cost much."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from tests.vision_files import encoded

Rng = np.random.Generator
NAMES = (
    "face.jpg", "face.png", "face.webp", "../../../etc/passwd", "..\\..\\windows\\win.ini", "/dev/null", "a\x00b.jpg",
    "", "x" * 4000 + ".jpg", "face.php", ".htaccess", "CON", 'a";filename="b.jpg', "\u202egpj.exe", "<script>.jpg",
    "%2e%2e%2fface.jpg", "'; DROP TABLE detection_capture; --.png", "$(reboot).jpg",
)  # fmt: skip
TYPES = ("image/jpeg", "image/png", "image/webp", "text/html", "application/x-php", "", "image/svg+xml", "a" * 500)
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9"><script>alert(1)</script>%s</svg>'
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%b">' % (c + 1, b"&%c;" % c * 9) for c in range(97, 106)
)


@dataclass(frozen=True)
class Hostile:
    """One file of a form."""

    kind: str
    data: bytes
    name: str = "face.jpg"
    content_type: str = "image/jpeg"


@cache
def sound_files() -> tuple[bytes, ...]:
    """Return sound small pictures in the formats and modes that are fuzzed."""
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 255, (96, 128, 3)).astype(np.uint8))
    smooth = noise.resize((200, 150), Image.Resampling.BICUBIC)
    kinds: list[bytes] = []
    for image in (noise, smooth):
        kinds += [encoded(image, "JPEG"), encoded(image, "JPEG", progressive=True, quality=60), encoded(image, "PNG")]
        kinds += [encoded(image.convert("CMYK"), "JPEG"), encoded(image.convert("L"), "JPEG")]
        kinds += [encoded(image.convert("RGBA"), "PNG"), encoded(image.quantize(32), "PNG")]
        kinds += [encoded(image, "WEBP"), encoded(image.convert("RGBA"), "WEBP", lossless=True)]
    more = [smooth.rotate(90 * turn) for turn in range(4)]
    kinds += [
        encoded(smooth, kind, save_all=True, append_images=more) for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO")
    ]
    kinds += [encoded(smooth, kind) for kind in ("GIF", "TIFF", "BMP", "ICO", "PPM", "TGA")]
    kinds += [encoded(noise, "PNG", bits=1), encoded(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)))]
    return tuple(kinds)


def flipped(rng: Rng) -> bytes:
    data = bytearray(any_of(rng, sound_files()))
    for place in rng.integers(0, len(data), rng.integers(1, 64)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def flipped_in_the_header(rng: Rng) -> bytes:
    data = bytearray(any_of(rng, sound_files()))
    for place in rng.integers(2, min(len(data), 700), rng.integers(1, 8)):
        data[place] = int(rng.integers(256))
    return bytes(data)


def truncated(rng: Rng) -> bytes:
    data = any_of(rng, sound_files())
    return data[: int(rng.integers(0, len(data)))]


def spliced(rng: Rng) -> bytes:
    one, two = any_of(rng, sound_files()), any_of(rng, sound_files())
    begin, end = sorted(rng.integers(0, len(two), 2).tolist())
    place = int(rng.integers(0, len(one)))
    return one[:place] + two[begin:end] + one[place:]


def blanked(rng: Rng) -> bytes:
    data = bytearray(any_of(rng, sound_files()))
    begin, end = sorted(rng.integers(0, len(data), 2).tolist())
    data[begin:end] = bytes([int(rng.choice([0, 255]))]) * (end - begin)
    return bytes(data)


def wrong_lengths(rng: Rng) -> bytes:
    """Claim another length somewhere: of a PNG's or WebP's chunk, or of a JPEG's segment."""
    data = bytearray(any_of(rng, sound_files()))
    names = (
        b"IDAT",
        b"IHDR",
        b"PLTE",
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"RIFF",
        b"\xff\xdb",
        b"\xff\xc4",
        b"\xff\xe1",
        b"\xff\xda",
    )
    at = next((i for name in rng.permutation(names) if (i := data.find(bytes(name))) >= 0), 0)
    size = int(rng.choice([0, 1, 2, 65_535, 2**31 - 1, 2**32 - 1]))
    where = max(0, at - 4) if data[:4] == b"\x89PNG" else at + (4 if data[:4] == b"RIFF" else 2)
    data[where : where + 4] = struct.pack(">I" if data[:4] == b"\x89PNG" else "<I", size)
    return bytes(data)


def polyglot(rng: Rng) -> bytes:
    """A picture that is something else for whoever looks for it: an archive, a page, a program."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../evil.py", "print('read')" * 50)
    tails = (
        archive.getvalue(),
        b"<html><script>alert(1)</script></html>",
        b"<?php system($_GET['c']); ?>",
        b"MZ" * 500,
    )
    head, tail = any_of(rng, sound_files()), any_of(rng, tails)
    place = int(rng.integers(3))
    return head + tail if place == 0 else tail + head if place == 1 else head[:2] + tail + head[2:]


def no_picture(rng: Rng) -> bytes:
    made = (
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"GIF89a",
        b"II*\x00",
        b"%PDF-1.7\n",
        b"\x00" * 9,
    )
    more = (SVG % b"", LAUGHS + b"]>" + SVG % b"&j;", rng.bytes(int(rng.integers(1, 5000))), b"A" * 100_000)
    return any_of(rng, (*made, *more))


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG of these chunks, whose checksums are right whatever they say."""
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    parts = (
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
        for n, d in (head, *chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@cache
def bombs() -> tuple[bytes, ...]:
    """Return small files that ask for much memory or time."""
    zeros = zlib.compress(bytes(60_000_000), 9)
    row = Image.new("L", (8000, 7999), 128)
    scans = encoded(row.resize((4000, 4000)), "JPEG", progressive=True)
    last = scans.rindex(b"\xff\xda")
    plain = sound_files()[0]
    segment = b"\xff\xe1\xff\xffExif\0\0" + b"II*\x00\x08\0\0\0" + b"\xff" * 65_519
    profile = b"".join(b"\xff\xe2\xff\xffICC_PROFILE\0" + bytes([n + 1, 255]) + bytes(65_519) for n in range(100))
    loop = b"Exif\0\0II*\x00\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    huge_jpeg = bytearray(plain)
    frame = huge_jpeg.index(b"\xff\xc0")
    huge_jpeg[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    huge_webp = bytearray(
        encoded(Image.new("RGBA", (16, 16)), "WEBP", save_all=True, append_images=[Image.new("RGBA", (16, 16), 1)])
    )
    place = huge_webp.index(b"VP8X") + 12
    huge_webp[place : place + 6] = b"\xfe\x3f\x00\xfe\x3f\x00"
    still = [Image.new("L", (64, 64), n % 255) for n in range(300)]
    return (
        png(65_535, 65_535, (b"IDAT", zlib.compress(b"\0" * 1000))),
        png(2**31 - 1, 2**31 - 1, (b"IDAT", b"")),
        png(0, 0, (b"IDAT", zlib.compress(b""))),
        png(8000, 7999, (b"IDAT", zlib.compress(bytes(24_001 * 7999), 1))),
        png(8000, 7999, (b"IDAT", zlib.compress(bytes(64_001 * 7999), 1)), depth=16, colour=6),
        png(16, 16, (b"IDAT", zeros)),
        png(16, 16, (b"iCCP", b"x\0\0" + zeros), (b"IDAT", zlib.compress(bytes(49 * 16)))),
        png(16, 16, (b"zTXt", b"x\0\0" + zeros), (b"IDAT", zlib.compress(bytes(49 * 16)))),
        png(16, 16, *((b"tEXt", b"k\0" + b"v" * 1000),) * 5000, (b"IDAT", zlib.compress(bytes(49 * 16)))),
        png(16, 16, *((b"IDAT", b""),) * 9_000),
        png(16, 16, *((b"aaAa", b""),) * 500_000),
        b"\xff\xd8" + b"\xff" * 8_000_000 + b"\0",
        b"\xff\xd8" + b"\0" * 8_000_000,
        b"\xff\xd8" + b"\xff\xd0" * 4_000_000,
        bytes(huge_jpeg),
        bytes(huge_webp),
        scans[:-2] + scans[last:-2] * 2000 + b"\xff\xd9",
        encoded(row, "JPEG", quality=5),
        encoded(row.convert("RGB"), "WEBP", quality=1, method=0),
        plain[:2] + segment * 100 + plain[2:],
        plain[:2] + profile + plain[2:],
        plain[:2] + b"\xff\xe1" + struct.pack(">H", len(loop) + 2) + loop + plain[2:],
        plain[:2] + b"\xff\xfe\x00\x02" * 200_000 + plain[2:],
        plain[:2] + b"\xff" * 1_000_000 + plain[2:],
        encoded(still[0], "PNG", save_all=True, append_images=still[1:]),
        encoded(still[0], "GIF", save_all=True, append_images=still[1:]),
        encoded(Image.new("L", (65_000, 1), 9), "JPEG"),
        encoded(Image.new("L", (1, 65_000), 9), "PNG"),
    )


def bomb(rng: Rng) -> bytes:
    return any_of(rng, bombs())


KINDS: tuple[tuple[float, Callable[[Rng], bytes]], ...] = (
    (0.22, flipped), (0.2, flipped_in_the_header), (0.14, truncated), (0.12, spliced), (0.08, blanked),
    (0.1, wrong_lengths), (0.06, polyglot), (0.05, no_picture), (0.03, bomb),
)  # fmt: skip


def any_of(rng: Rng, things: tuple[bytes, ...]) -> bytes:
    return things[int(rng.integers(len(things)))]


def hostile_files(count: int, seed: int, *, with_bombs: bool = True) -> Iterator[Hostile]:
    """Yield so many files; the same seed makes the same ones."""
    rng = np.random.default_rng(seed)
    shares = np.array([share if with_bombs or make is not bomb else 0 for share, make in KINDS])
    for _ in range(count):
        make = KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))][1]
        is_plain = rng.random() < 0.6
        name = "face.jpg" if is_plain else NAMES[int(rng.integers(len(NAMES)))]
        content_type = "image/jpeg" if is_plain else TYPES[int(rng.integers(len(TYPES)))]
        yield Hostile(make.__name__, make(rng), name, content_type)


def forms(count: int, seed: int) -> Iterator[tuple[str, bytes, str]]:
    """Yield so many bodies of forms: what is wrong with each, the body, and its content type."""
    rng = np.random.default_rng(seed)
    files = hostile_files(8 * count, seed)
    for _ in range(count):
        frames = [next(files) for _ in range(int(rng.choice([1, 1, 1, 1, 1, 2, 4, 5, 0, 7])))]
        kind = frames[0].kind if len(frames) == 1 else f"{len(frames)} frames"
        body = b"".join(part(file) for file in frames)
        body += b'--B\r\nContent-Disposition: form-data; name="source"\r\n\r\ncamera\r\n--B--\r\n'
        content_type = "multipart/form-data; boundary=B"
        if rng.random() < 0.06:
            kind, body, content_type = disguised(rng, body)
        yield kind, body, content_type


def part(file: Hostile) -> bytes:
    name = file.name.encode("utf-8").replace(b"\r", b"").replace(b"\n", b"")
    head = b'--B\r\nContent-Disposition: form-data; name="frames"; filename="%b"\r\nContent-Type: %b\r\n\r\n'
    return head % (name, file.content_type.encode()) + file.data + b"\r\n"


def disguised(rng: Rng, body: bytes) -> tuple[str, bytes, str]:
    """Break the form itself."""
    plain = "multipart/form-data; boundary=B"
    field = b'--B\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'
    made = (
        ("cut form", body[: int(rng.integers(0, len(body)))], plain),
        ("another boundary", body, "multipart/form-data; boundary=C"),
        ("no boundary", body, "multipart/form-data"),
        ("a long boundary", body, "multipart/form-data; boundary=" + "B" * 5000),
        (
            "a huge header",
            b'--B\r\nContent-Disposition: form-data; name="frames"; filename="' + b"a" * 300_000 + b'"\r\n\r\n' + body,
            plain,
        ),
        ("many headers", b"--B\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n" + body, plain),
        ("many fields", b"".join(field % n for n in range(5000)) + body, plain),
        ("many files", b"".join(part(Hostile("", b"x")) for _ in range(300)) + body, plain),
        (
            "base64 that is none",
            body.replace(b"Content-Type:", b"Content-Transfer-Encoding: base64\r\nContent-Type:"),
            plain,
        ),
        ("nested", body.replace(b"image/jpeg", b"multipart/mixed; boundary=B"), plain),
        ("no form", body, "application/json"),
        ("a wrong charset", body, plain + "; charset=utf-99"),
        ("header without end", b"--B\r\nContent-Disposition: form-data", plain),
    )
    return made[int(rng.integers(len(made)))]
