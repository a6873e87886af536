"""HTTP with time limits, retries and typed errors, by the standard library."""

from __future__ import annotations

import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Callable, Mapping
from urllib.parse import urlencode, urlsplit

from .connections import ConnectionPool
from .errors import ConnectionFailed, EdgesiftError, TimedOut, UnexpectedResponse, error_from
from .retry import Retry, RetryPolicy, retry_delay

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Request:
    """One request to the service.

    expected: statuses that are results, beside those from 200 to 299
    has_effects: whether a second execution changes something; then it is repeated only where the first was refused
    timeout: limit of each attempt, response included, in seconds; the client's by default
    stop: ends the retries when it is set
    """

    path: str
    method: str = "GET"
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray | memoryview | None = None
    expected: tuple[int, ...] = ()
    has_effects: bool = False
    timeout: float | None = None
    stop: threading.Event | None = None


@dataclass(frozen=True)
class Response:
    """headers: by lower-case names. body: writable, so that arrays over it are, too."""

    status: int
    headers: Mapping[str, str]
    body: bytearray

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as cause:
            raise UnexpectedResponse("The response is not JSON.", status=self.status) from cause


class Transport:
    """Sends requests from any number of threads."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None,
        headers: Mapping[str, str],
        timeout: float,
        retry: RetryPolicy,
        on_retry: Callable[[Retry], None] | None,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"The service's address must begin with http:// or https://, not {url!r}.")
        self._base = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
        self._prefix = address.path.rstrip("/")
        self._headers = {"User-Agent": "edgesift-python", **headers}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._timeout = timeout
        self._retry = retry
        self._on_retry = on_retry
        self._pool = ConnectionPool(address, ssl_context)

    def close(self) -> None:
        self._pool.close()

    def send(self, request: Request) -> Response:
        """Raises an `EdgesiftError` for every status that is neither a success nor expected."""
        attempt = 0
        while True:
            try:
                return self._attempt(request)
            except EdgesiftError as error:
                if request.has_effects and not error.was_refused:
                    raise
                delay = retry_delay(error, attempt, self._retry)
                if delay is None or (request.stop and request.stop.is_set()):
                    raise
                attempt += 1
                if self._on_retry:
                    self._on_retry(Retry(error, attempt, delay))
                if request.stop is None:
                    time.sleep(delay)
                elif request.stop.wait(delay):
                    raise

    def send_for_json(self, request: Request) -> Any:
        return self.send(request).json()

    def _attempt(self, request: Request) -> Response:
        timeout = self._timeout if request.timeout is None else request.timeout
        deadline = _Deadline(timeout)
        try:
            response = self._exchange(request, deadline)
        except TimeoutError as cause:
            raise TimedOut(f"No response from {self._base} within {timeout:g} s.") from cause
        except (OSError, HTTPException) as cause:
            raise ConnectionFailed(f"No response from {self._base}: {cause or type(cause).__name__}.") from cause
        if 200 <= response.status < 300 or response.status in request.expected:
            return response
        raise error_from(response.status, response.headers, response.body)

    def _exchange(self, request: Request, deadline: _Deadline) -> Response:
        # The service may have closed an idle connection: a request with effects never meets one.
        idle = None if request.has_effects else self._pool.take_idle()
        if idle is not None:
            try:
                return self._exchange_on(idle, request, deadline)
            except TimeoutError:
                raise
            except (OSError, HTTPException):
                pass
        return self._exchange_on(self._pool.open(deadline.left()), request, deadline)

    def _exchange_on(self, connection: HTTPConnection, request: Request, deadline: _Deadline) -> Response:
        is_reusable = False
        try:
            with self._send_on(connection, request, deadline) as received:
                body = _read_whole(received, connection, deadline)
                is_reusable = not received.will_close
                headers = {name.lower(): value for name, value in received.getheaders()}
                return Response(received.status, headers, body)
        finally:
            if is_reusable:
                self._pool.give_back(connection)
            else:
                connection.close()

    def _send_on(self, connection: HTTPConnection, request: Request, deadline: _Deadline) -> HTTPResponse:
        if connection.sock is None:
            connection.connect()
        target = f"{self._prefix}{request.path}{query_text(request.query)}"
        connection.putrequest(request.method, target)
        body = memoryview(request.body if request.body is not None else b"").cast("B")
        for name, value in {**self._headers, **request.headers}.items():
            connection.putheader(name, value)
        if request.method != "GET":
            connection.putheader("Content-Length", str(len(body)))
        deadline.apply(connection)
        connection.endheaders()
        try:
            for begin in range(0, len(body), _CHUNK_BYTES):
                deadline.apply(connection)
                connection.send(body[begin : begin + _CHUNK_BYTES])
        except (BrokenPipeError, ConnectionResetError):
            # A service that refuses an upload may respond and close before it is whole: the response says why.
            pass
        deadline.apply(connection)
        return connection.getresponse()


class _Deadline:
    """The end of an attempt. Sockets limit each operation alone, so that every one gets the time that is left."""

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def apply(self, connection: HTTPConnection) -> None:
        left = self.left()
        if connection.sock is not None:
            connection.sock.settimeout(left)


def _read_whole(response: HTTPResponse, connection: HTTPConnection, deadline: _Deadline) -> bytearray:
    """Reads the body into one buffer, over which arrays are made without a copy."""
    length = response.length
    if length is None:
        body = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            deadline.apply(connection)
        return body
    body = bytearray(length)
    target, filled = memoryview(body), 0
    while filled < length:
        deadline.apply(connection)
        count = response.readinto(target[filled : filled + _CHUNK_BYTES])
        if count == 0:
            raise ConnectionResetError(f"the response ended after {filled} of {length} bytes")
        filled += count
    return body


def query_text(query: Mapping[str, Any]) -> str:
    """`?a=1&b=true`; values that are None are left out."""
    pairs = [(name, _parameter_text(value)) for name, value in query.items() if value is not None]
    return f"?{urlencode(pairs)}" if pairs else ""


def _parameter_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
