"""Images in the forms in which programs have them."""

from __future__ import annotations

import hashlib
import os
import re
from typing import BinaryIO, Union

ImageFile = Union[bytes, bytearray, memoryview, str, "os.PathLike[str]", BinaryIO]
"""An image file: its bytes, its path, or a file that is open for reading in binary mode."""

ImageReference = ImageFile
"""An image file; or, as `str` of 64 hexadecimal digits, the SHA-256 of one whose result is cached."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def hash_in(image: ImageReference) -> str | None:
    """The SHA-256 that stands for an image; None for a file. A file of such a name is given as a `pathlib.Path`."""
    if isinstance(image, str) and _SHA256.fullmatch(image):
        return image.lower()
    return None


def bytes_of(image: ImageFile) -> bytes | bytearray | memoryview:
    """Raises an OSError for a file that cannot be read, a TypeError for what is no image."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        return image
    if isinstance(image, (str, os.PathLike)):
        with open(image, "rb") as file:
            return file.read()
    if hasattr(image, "read"):
        data = image.read()
        if isinstance(data, bytes):
            return data
    raise TypeError(f"An image must be bytes, a path, a binary file, or a SHA-256, not {type(image).__name__}.")


def sha256_of(data: bytes | bytearray | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()
