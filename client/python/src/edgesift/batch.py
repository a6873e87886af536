"""Many images side by side, by threads."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Callable, Generic, Iterable, Iterator, TypeVar

from .errors import EdgesiftError

ImageT = TypeVar("ImageT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class BatchItem(Generic[ImageT, ResultT]):
    """The result for one image of a batch; or its error, which stops no other.

    index: place of the image in the sequence that was given, from 0
    error: an `EdgesiftError`, or an `OSError` for a file that cannot be read
    """

    index: int
    image: ImageT
    result: ResultT | None = None
    error: EdgesiftError | OSError | None = None


def batch_of(
    images: Iterable[ImageT],
    concurrency: int,
    work: Callable[[ImageT, threading.Event], ResultT],
) -> Iterator[BatchItem[ImageT, ResultT]]:
    """Yields the result for each image as soon as it is there, in no particular order.

    At most `concurrency` images are taken and not yet yielded, so that a slow reader slows the work. Leaving the loop ends
    the retries of what still runs.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be 1 or more.")
    left = threading.Event()

    def attempt(index: int, image: ImageT) -> BatchItem[ImageT, ResultT]:
        try:
            return BatchItem(index, image, result=work(image, left))
        except (EdgesiftError, OSError) as error:
            return BatchItem(index, image, error=error)

    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="edgesift")
    running: set[Future[BatchItem[ImageT, ResultT]]] = set()
    try:
        for index, image in enumerate(images):
            running.add(executor.submit(attempt, index, image))
            while len(running) >= concurrency:
                yield _take_one(running)
        while running:
            yield _take_one(running)
    finally:
        left.set()
        executor.shutdown(wait=False, cancel_futures=True)


def _take_one(running: set[Future[BatchItem[ImageT, ResultT]]]) -> BatchItem[ImageT, ResultT]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    first = done.pop()
    running.remove(first)
    return first.result()
