"""Administration of the cache."""

from __future__ import annotations

from typing import Any, Iterator
from urllib.parse import quote

from .transport import Request, Transport

_PATH = "/api/v1/cache/keys"
_PAGE_LENGTH = 1000


class CachedKeys:
    """The results that the service has cached, by feature key. Takes an API key of scope `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, pattern: str = "*", *, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Keys with their `ttl_s`; a key can come twice.

        pattern: Redis' glob pattern for the whole key, as in `*/<sha256 of an image>`
        """
        cursor: str | None = "0"
        while cursor is not None:
            query = {"pattern": pattern, "cursor": cursor, "limit": _PAGE_LENGTH}
            page = self._transport.send_for_json(Request(_PATH, query=query, timeout=timeout))
            yield from page["keys"]
            cursor = page["cursor"]

    def inspect(self, key: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Raises `NotFound`."""
        return self._transport.send_for_json(Request(_path_of(key), timeout=timeout))

    def delete(self, key: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Raises `NotFound`."""
        return self._transport.send_for_json(Request(_path_of(key), method="DELETE", timeout=timeout))

    def clear(self, pattern: str, *, timeout: float | None = None) -> int:
        """Deletes every result whose key matches (`*` for everything); returns how many keys are gone."""
        deleted, cursor = 0, "0"
        while cursor is not None:
            query = {"pattern": pattern, "cursor": cursor}
            page = self._transport.send_for_json(Request(_PATH, method="DELETE", query=query, timeout=timeout))
            deleted += page["deleted_keys"]
            cursor = page["cursor"]
        return deleted


def _path_of(key: str) -> str:
    """The slashes of a key stay slashes."""
    return f"{_PATH}/{quote(key, safe='/')}"
