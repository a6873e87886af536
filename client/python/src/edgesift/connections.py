"""Connections that are kept open between requests, for any number of threads."""

from __future__ import annotations

import ssl
import threading
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult

_MOST_IDLE = 32


class ConnectionPool:
    """Connections to one address. A connection belongs to the thread that took it, until it is given back."""

    def __init__(self, address: SplitResult, ssl_context: ssl.SSLContext | None) -> None:
        self._address = address
        self._ssl_context = ssl_context
        self._idle: list[HTTPConnection] = []
        self._is_closed = False
        self._lock = threading.Lock()

    def take_idle(self) -> HTTPConnection | None:
        """The connection that was used last; the service may have closed it."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def open(self, timeout: float) -> HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "http":
            return HTTPConnection(host, port, timeout=timeout)
        return HTTPSConnection(host, port, timeout=timeout, context=self._ssl_context)

    def give_back(self, connection: HTTPConnection) -> None:
        with self._lock:
            if not self._is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Closes the idle connections now, and those in use when they are given back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
