"""The client itself."""

from __future__ import annotations

import json
import os
import ssl
import threading
from dataclasses import dataclass
from itertools import islice
from typing import Any, Callable, Iterable, Iterator, Mapping, TypeVar

from .batch import BatchItem, batch_of
from .cached_keys import CachedKeys
from .errors import NotFound
from .features import Features, read_features
from .hash_first import send_hash_first
from .image import ImageFile, ImageReference, bytes_of, hash_in, sha256_of
from .jobs import Jobs
from .multipart import form_of
from .retry import Retry, RetryPolicy
from .transport import Request, Response, Transport
from .vehicles import Vehicles

ImageT = TypeVar("ImageT", bound=ImageFile)

_MAX_HASHES = 1000


@dataclass(frozen=True)
class FeatureFile:
    """Features as a file. is_cached: whether the service had it in its cache."""

    data: bytearray
    is_cached: bool

    def save(self, path: str | os.PathLike[str]) -> None:
        with open(path, "wb") as file:
            file.write(self.data)


class Client:
    """A client of an edgesift service, for any number of threads.

    An image is hashed here first and sent only when the service does not know its features yet. Requests that fail for a
    passing reason are repeated. Every failure of the service is an `EdgesiftError`. Parameters of the API are keyword
    arguments by the API's names; all have defaults there.

    url: address of the service, as in `https://features.example.com`
    headers: sent with every request
    timeout: limit of each attempt, in seconds
    on_retry: called before an attempt is repeated
    ssl_context: for a private certificate authority; the system's by default
    """

    cache: CachedKeys
    jobs: Jobs
    vehicles: Vehicles

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        headers: Mapping[str, str] | None = None,
        retry: RetryPolicy = RetryPolicy(),
        on_retry: Callable[[Retry], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._transport = Transport(
            url,
            api_key=api_key,
            headers=headers or {},
            timeout=timeout,
            retry=retry,
            on_retry=on_retry,
            ssl_context=ssl_context,
        )
        self.cache = CachedKeys(self._transport)
        self.jobs = Jobs(self._transport)
        self.vehicles = Vehicles(self._transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are kept open."""
        self._transport.close()

    def detect(
        self, image: ImageReference, *, hash_first: bool = True, timeout: float | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Keypoints and descriptors as JSON: the summary alone, or with what `include` names.

        image: a file; or its SHA-256, for features that are cached (else `FeaturesNotCached`)
        """
        return self._features(image, {**parameters, "format": "json"}, hash_first, timeout).json()

    def features(
        self, image: ImageReference, *, hash_first: bool = True, timeout: float | None = None, **parameters: Any
    ) -> Features:
        """Keypoints and descriptors as NumPy arrays over the bytes of the response."""
        query = {**parameters, "format": "safetensors"}
        return read_features(self._features(image, query, hash_first, timeout).body)

    def file(
        self,
        image: ImageReference,
        format: str,
        *,
        hash_first: bool = True,
        timeout: float | None = None,
        **parameters: Any,
    ) -> FeatureFile:
        """The features as a file: `safetensors`, `npz`, `colmap`, `key` or `json`."""
        response = self._features(image, {**parameters, "format": format}, hash_first, timeout)
        return FeatureFile(response.body, response.headers.get("x-cache", "").startswith("HIT"))

    def exists(
        self, hashes: Iterable[str], *, timeout: float | None = None, **parameters: Any
    ) -> set[str]:
        """Those of these images whose features are cached, of any number: a request is sent for every 1,000.

        hashes: SHA-256 of the image files, in hexadecimal digits
        """
        cached: set[str] = set()
        distinct = iter(dict.fromkeys(hashes))
        while group := list(islice(distinct, _MAX_HASHES)):
            response = self._transport.send_for_json(
                Request(
                    "/api/v1/features/exists",
                    method="POST",
                    query=parameters,
                    headers={"Content-Type": "application/json"},
                    body=json.dumps({"sha256": group}).encode(),
                    timeout=timeout,
                )
            )
            cached.update(response["cached"])
        return cached

    def batch(
        self,
        images: Iterable[ImageT],
        *,
        concurrency: int = 4,
        hash_first: bool = True,
        timeout: float | None = None,
        **parameters: Any,
    ) -> Iterator[BatchItem[ImageT, dict[str, Any]]]:
        """`detect` for many images, by threads. Yields each result as soon as it is there, in no particular order.

        images: may be made while the batch runs; only `concurrency` are taken at a time
        """
        query = {**parameters, "format": "json"}
        return batch_of(
            images,
            concurrency,
            lambda image, stop: self._features(image, query, hash_first, timeout, stop).json(),
        )

    def batch_features(
        self,
        images: Iterable[ImageT],
        *,
        concurrency: int = 4,
        hash_first: bool = True,
        timeout: float | None = None,
        **parameters: Any,
    ) -> Iterator[BatchItem[ImageT, Features]]:
        """As `batch`, with `Features` as results."""
        query = {**parameters, "format": "safetensors"}
        return batch_of(
            images,
            concurrency,
            lambda image, stop: read_features(self._features(image, query, hash_first, timeout, stop).body),
        )

    def match(
        self,
        image1: ImageReference,
        image2: ImageReference,
        *,
        hash_first: bool = True,
        timeout: float | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """How two images relate: their matches, and the homography or fundamental matrix that these agree on.

        Images whose features are cached are not sent.
        """
        hashes = [hash_in(image) for image in (image1, image2)]
        files = [
            bytes_of(image) if known is None else None for image, known in zip((image1, image2), hashes, strict=True)
        ]
        names = [
            sha256_of(data) if data is not None and hash_first else known
            for data, known in zip(files, hashes, strict=True)
        ]

        def send(sides: list[Any]) -> dict[str, Any]:
            headers, body = form_of([("image1", sides[0]), ("image2", sides[1])])
            return self._transport.send_for_json(
                Request("/api/v1/match", method="POST", query=parameters, headers=headers, body=body, timeout=timeout)
            )

        if any(name is not None for name in names):
            try:
                return send([data if name is None else name for data, name in zip(files, names, strict=True)])
            except NotFound:
                if all(data is None for data in files):
                    raise
        return send([name if data is None else data for data, name in zip(files, names, strict=True)])

    def health(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The state of the service. One that is `unhealthy` is a result, too."""
        return self._transport.send_for_json(Request("/health", expected=(503,), timeout=timeout))

    def stats(self, *, timeout: float | None = None) -> dict[str, Any]:
        return self._transport.send_for_json(Request("/api/v1/stats", timeout=timeout))

    def _features(
        self,
        image: ImageReference,
        query: Mapping[str, Any],
        hash_first: bool,
        timeout: float | None,
        stop: threading.Event | None = None,
    ) -> Response:
        return send_hash_first(
            self._transport,
            image,
            by_hash="/api/v1/features",
            upload="/api/v1/features/detect",
            query=query,
            hash_first=hash_first,
            timeout=timeout,
            stop=stop,
        )
