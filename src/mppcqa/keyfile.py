"""A pair of keys (Ed25519) whose private half is a file of its owner alone, and what it signs."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mppcqa.disk import make_folder, whole_file

GROUPS, DIGITS = 10, 4


def fingerprint(public: str) -> str:
    """What two people compare by telephone: ten groups of four digits of its SHA-256."""
    digest = hashlib.sha256(bytes.fromhex(public)).hexdigest()
    return " ".join(digest[DIGITS * n : DIGITS * (n + 1)] for n in range(GROUPS))


def is_fingerprint(told: str, public: str) -> bool:
    """Whether what somebody typed is the fingerprint of a key, however it is spaced."""
    typed = "".join(told.split()).lower().replace("-", "")
    return typed == fingerprint(public).replace(" ", "")


def make_key(path: Path) -> None:
    """A new private key in a new file; where another process comes first, that one stays."""
    make_folder(path.parent)
    path.parent.chmod(0o700)
    with suppress(FileExistsError), whole_file(path, fresh=True) as part:
        part.chmod(0o600)
        part.write_text(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key of a file; `ValueError` where it holds none."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def public_of(key: Ed25519PrivateKey) -> str:
    """The public half, as hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def is_signed(public: str, signature: bytes, signed: bytes) -> bool:
    """Whether a signature is of these bytes and by the key of these digits."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
