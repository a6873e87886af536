"""The two requests that lead to the same result: by hash, and by upload."""

from __future__ import annotations

import threading
from typing import Any, Mapping

from .errors import NotFound
from .image import ImageReference, bytes_of, hash_in, sha256_of
from .transport import Request, Response, Transport


def send_hash_first(
    transport: Transport,
    image: ImageReference,
    *,
    by_hash: str,
    upload: str,
    query: Mapping[str, Any],
    hash_first: bool,
    timeout: float | None,
    stop: threading.Event | None = None,
) -> Response:
    """Asks for a result by the image's hash, and sends the image only where the result is not cached.

    by_hash: path of the GET, without the hash
    upload: path of the POST of the image
    """

    def ask(sha256: str) -> Response:
        return transport.send(Request(f"{by_hash}/{sha256}", query=query, timeout=timeout, stop=stop))

    known = hash_in(image)
    if known is not None:
        return ask(known)
    data = bytes_of(image)
    if hash_first:
        try:
            return ask(sha256_of(data))
        except NotFound:
            pass
    # The service decides by content which format it is; the type only has to say that it is an image.
    headers = {"Content-Type": "image/unknown"}
    return transport.send(
        Request(upload, method="POST", query=query, headers=headers, body=data, timeout=timeout, stop=stop)
    )
