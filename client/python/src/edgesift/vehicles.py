"""Vehicle recognition."""

from __future__ import annotations

import threading
from typing import Any, Iterable, Iterator, TypeVar
from urllib.parse import quote

from .batch import BatchItem, batch_of
from .hash_first import send_hash_first
from .image import ImageFile, ImageReference, bytes_of
from .multipart import Field, form_of
from .transport import Request, Response, Transport

ImageT = TypeVar("ImageT", bound=ImageFile)


class Vehicles:
    """Make, model, body type, colour, decade and country of a vehicle, with calibrated probabilities."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def classify(
        self, image: ImageReference, *, hash_first: bool = True, timeout: float | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """What vehicle an image shows (docs/vehicles.md).

        image: a file; or its SHA-256, for a classification that is cached (else `NotFound`)
        parameters: `box="x,y,width,height"` says where the vehicle is; `include="explanation"` adds the evidence, `"all"`
            also a thumbnail
        """
        return self._classify(image, parameters, hash_first, timeout)

    def classify_batch(
        self,
        images: Iterable[ImageT],
        *,
        concurrency: int = 4,
        hash_first: bool = True,
        timeout: float | None = None,
        **parameters: Any,
    ) -> Iterator[BatchItem[ImageT, dict[str, Any]]]:
        """`classify` for many images. Yields each result as soon as it is there, in no particular order."""
        return batch_of(
            images,
            concurrency,
            lambda image, stop: self._classify(image, parameters, hash_first, timeout, stop),
        )

    def report(
        self,
        image: ImageFile,
        *,
        vehicle_id: str | None = None,
        box: str | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Classifies an image and keeps a report of it for an hour.

        vehicle_id: under which it is kept; made by the service if it is not given
        box: where the vehicle is, as `"x,y,width,height"`; searched for if it is not given
        """
        return self._report(image, "json", vehicle_id, box, timeout).json()

    def report_page(
        self,
        image: ImageFile,
        *,
        vehicle_id: str | None = None,
        box: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """The same as a page of HTML that stands alone."""
        return self._report(image, "html", vehicle_id, box, timeout).body.decode()

    def find_report(self, vehicle_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """A report of the last hour. Raises `NotFound`."""
        path = f"/api/vehicle/report/{quote(vehicle_id, safe='')}"
        return self._transport.send_for_json(Request(path, timeout=timeout))

    def models(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The models that are served, with what was measured of them."""
        return self._transport.send_for_json(Request("/api/models/metadata", timeout=timeout))

    def _classify(
        self,
        image: ImageReference,
        parameters: dict[str, Any],
        hash_first: bool,
        timeout: float | None,
        stop: threading.Event | None = None,
    ) -> dict[str, Any]:
        return send_hash_first(
            self._transport,
            image,
            by_hash="/api/vehicle",
            upload="/api/vehicle/classify",
            query=parameters,
            hash_first=hash_first,
            timeout=timeout,
            stop=stop,
        ).json()

    def _report(
        self, image: ImageFile, format: str, vehicle_id: str | None, box: str | None, timeout: float | None
    ) -> Response:
        fields: list[Field] = [("file", bytes_of(image)), ("format", format)]
        if vehicle_id is not None:
            fields.append(("vehicle_id", vehicle_id))
        if box is not None:
            fields.append(("box", box))
        headers, body = form_of(fields)
        return self._transport.send(
            Request("/api/vehicle/report", method="POST", headers=headers, body=body, timeout=timeout)
        )
