"""Bulk jobs."""

from __future__ import annotations

import json
import time
from typing import Any, Iterator, Mapping
from urllib.parse import quote

from .transport import Request, Transport

_PATH = "/api/v1/jobs"
_FOLLOWING_INTERVAL_S = 2.0


class Jobs:
    """Bulk jobs: the features of all images in a folder or bucket, on as many machines as the service has."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, job: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """job: as in docs/bulk-jobs.md, such as `{"source": {"prefix": …}, "output": …}`"""
        return self._transport.send_for_json(
            Request(
                _PATH,
                method="POST",
                headers={"Content-Type": "application/json"},
                body=json.dumps(job).encode(),
                has_effects=True,
                timeout=timeout,
            )
        )

    def list(self, *, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """All jobs, newest first."""
        before: str | None = None
        while True:
            query = {"limit": 100, "before": before}
            page = self._transport.send_for_json(Request(_PATH, query=query, timeout=timeout))
            yield from page["jobs"]
            before = page["next"]
            if before is None:
                return

    def get(self, id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Raises `NotFound`."""
        return self._transport.send_for_json(Request(_path_of(id), timeout=timeout))

    def follow(self, id: str, *, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """The job as it is now, then at each change, until it has ended."""
        seen = None
        while True:
            job = self.get(id, timeout=timeout)
            if job != seen:
                yield job
            if job["state"] not in ("planning", "running"):
                return
            seen = job
            time.sleep(_FOLLOWING_INTERVAL_S)

    def cancel(self, id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Results that are there stay."""
        return self._transport.send_for_json(Request(f"{_path_of(id)}/cancel", method="POST", timeout=timeout))

    def retry_failed(self, id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Makes a new job of the images that failed in one that has ended."""
        return self._transport.send_for_json(
            Request(f"{_path_of(id)}/retry-failed", method="POST", has_effects=True, timeout=timeout)
        )


def _path_of(id: str) -> str:
    return f"{_PATH}/{quote(id, safe='')}"
