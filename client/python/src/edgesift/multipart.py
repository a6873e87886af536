"""Forms (RFC 7578)."""

from __future__ import annotations

import secrets
from typing import Iterable

Field = tuple[str, "str | bytes | bytearray | memoryview"]


def form_of(fields: Iterable[Field]) -> tuple[dict[str, str], bytes]:
    """Headers and body of a form. Text is a value, bytes are a file; names come from this package alone."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes | bytearray | memoryview] = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, str):
            pieces += [f"{head}\r\n\r\n".encode(), value.encode(), b"\r\n"]
        else:
            file = '; filename="image"\r\nContent-Type: application/octet-stream\r\n\r\n'
            pieces += [f"{head}{file}".encode(), value, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, b"".join(pieces)
