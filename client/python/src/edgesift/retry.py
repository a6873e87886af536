"""When a failed request is repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable

from .errors import EdgesiftError


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how late a failed request is repeated.

    retries: most attempts after the first
    base_delay: upper bound of the first delay, in seconds; it doubles with each attempt
    max_delay: longest delay, in seconds. A longer `Retry-After` ends the attempts: the error then says how long.
    """

    retries: int = 4
    base_delay: float = 0.5
    max_delay: float = 30.0


@dataclass(frozen=True)
class Retry:
    """A failed attempt that is going to be repeated after `delay` seconds; `attempt` is 1 before the second one."""

    error: EdgesiftError
    attempt: int
    delay: float


def retry_delay(
    error: EdgesiftError,
    attempt: int,
    policy: RetryPolicy,
    uniform: Callable[[], float] = random.random,
) -> float | None:
    """Seconds to wait before the next attempt; None where there is to be none.

    Without `Retry-After`: full jitter, a random time up to `base_delay · 2^attempt` (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog 2015). With it: not before that time, and spread over a tenth more, so that the clients
    that were refused together do not return together.

    attempt: 0 after the first failure
    uniform: gives random numbers in [0, 1)
    """
    if not error.is_transient or attempt >= policy.retries:
        return None
    if error.retry_after is None:
        return uniform() * min(policy.max_delay, policy.base_delay * 2**attempt)
    if error.retry_after > policy.max_delay:
        return None
    return error.retry_after + uniform() * max(0.1, error.retry_after / 10)
