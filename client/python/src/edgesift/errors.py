"""Errors: one class for each `error_code` of the service, and three for what never came from it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Mapping

_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_REFUSALS = frozenset({429, 503})


class EdgesiftError(Exception):
    """Every failure of a call.

    code: `error_code` of the service, or CONNECTION_FAILED, TIMED_OUT, UNEXPECTED_RESPONSE
    status: HTTP status; 0 where there was no response
    details: facts by which a program can react, such as the limit that was exceeded
    request_id: names the request in the service's logs
    retry_after: seconds after which the service expects that a retry succeeds
    """

    code = "EDGESIFT_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int = 0,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.status = status
        self.details = dict(details or {})
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def is_transient(self) -> bool:
        """Whether the same request can succeed later."""
        return self.status in _TRANSIENT_STATUSES or isinstance(self, (ConnectionFailed, TimedOut))

    @property
    def was_refused(self) -> bool:
        """Whether the service refused the request before any work, so that even one with effects can be repeated."""
        return self.status in _REFUSALS


class InvalidImage(EdgesiftError):
    code = "INVALID_IMAGE"


class InvalidParameter(EdgesiftError):
    code = "INVALID_PARAMETER"


class Unauthorized(EdgesiftError):
    code = "UNAUTHORIZED"


class Forbidden(EdgesiftError):
    code = "FORBIDDEN"


class NotFound(EdgesiftError):
    code = "NOT_FOUND"


class FeaturesNotCached(NotFound):
    code = "FEATURES_NOT_CACHED"


class ReportNotFound(NotFound):
    code = "REPORT_NOT_FOUND"


class MethodNotAllowed(EdgesiftError):
    code = "METHOD_NOT_ALLOWED"


class NotAcceptable(EdgesiftError):
    code = "NOT_ACCEPTABLE"


class ImageTooLarge(EdgesiftError):
    code = "IMAGE_TOO_LARGE"


class UnsupportedMediaType(EdgesiftError):
    code = "UNSUPPORTED_MEDIA_TYPE"


class ImageReadError(EdgesiftError):
    code = "IMAGE_READ_ERROR"


class RateLimited(EdgesiftError):
    code = "RATE_LIMITED"


class InternalServerError(EdgesiftError):
    code = "INTERNAL_SERVER_ERROR"


class OriginUnavailable(EdgesiftError):
    code = "ORIGIN_UNAVAILABLE"


class Overloaded(EdgesiftError):
    code = "OVERLOADED"


class ServiceNotReady(EdgesiftError):
    code = "SERVICE_NOT_READY"


class ServiceTimeout(EdgesiftError):
    code = "SERVICE_TIMEOUT"


class ConnectionFailed(EdgesiftError):
    """No response: the service cannot be reached, or the connection broke."""

    code = "CONNECTION_FAILED"


class TimedOut(EdgesiftError):
    """No whole response within the client's time limit."""

    code = "TIMED_OUT"


class UnexpectedResponse(EdgesiftError):
    """A response that is not the service's, such as a proxy's error page."""

    code = "UNEXPECTED_RESPONSE"


def _subclasses(parent: type[EdgesiftError]) -> list[type[EdgesiftError]]:
    return [kind for child in parent.__subclasses__() for kind in (child, *_subclasses(child))]


ERRORS_BY_CODE: dict[str, type[EdgesiftError]] = {kind.code: kind for kind in _subclasses(EdgesiftError)}


def error_from(status: int, headers: Mapping[str, str], body: bytes | bytearray) -> EdgesiftError:
    """Reads the error out of a response that is not a success. A code of a newer service gives an `EdgesiftError`."""
    request_id = headers.get("x-request-id")
    retry_after = read_retry_after(headers.get("retry-after"))
    problem = _problem_in(body)
    if problem is None:
        message = f"The response has status {status} and is not one of an edgesift service."
        return UnexpectedResponse(message, status=status, request_id=request_id, retry_after=retry_after)
    code, details = problem["error_code"], problem.get("details")
    return ERRORS_BY_CODE.get(code, EdgesiftError)(
        problem["message"],
        code=code,
        status=status,
        details=details if isinstance(details, dict) else {},
        request_id=request_id,
        retry_after=retry_after,
    )


def _problem_in(body: bytes | bytearray) -> dict[str, Any] | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    if not isinstance(problem, dict):
        return None
    is_problem = all(isinstance(problem.get(name), str) for name in ("error_code", "message"))
    return problem if is_problem else None


def read_retry_after(header: str | None) -> float | None:
    """`Retry-After` (RFC 9110, 10.2.3) in seconds from now: whole seconds, or a date."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
