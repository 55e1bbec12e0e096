"""The secrets of API tokens: how they are made, told from other text, and kept.

`emo_`, 36 random letters and digits, and 6 that are the checksum of what stands before: a scanner for secrets that were
published by accident recognises one by itself, as `emo_[0-9A-Za-z]{42}` with a CRC-32 that fits.
"""

import hashlib
import re
import secrets
import string
import zlib

MARK = "emo_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 36
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = len(MARK) + 4
SHAPE = re.compile(rf"{MARK}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")


def make_secret() -> str:
    """Return a new secret of 214 random bits."""
    body = MARK + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC-32 of an ASCII text as six digits to the base 62, the highest first."""
    number, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def looks_like_a_secret(text: str) -> bool:
    """Whether a text has the shape of a secret and its checksum; what has not was never one of ours."""
    return bool(SHAPE.fullmatch(text)) and text[-CHECKSUM_LENGTH:] == checksum(text[:-CHECKSUM_LENGTH])


def fingerprint(secret: str) -> str:
    """Return the SHA-256 that is kept in a secret's place, in hex: nobody can guess 214 bits, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def shown_part(secret: str) -> str:
    """Return the beginning by which a person tells their tokens apart."""
    return secret[:SHOWN_LENGTH]
