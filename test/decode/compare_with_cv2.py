#!/usr/bin/python3
"""Compares the service's grey pixels with those of cv2.imread over folders of images, hostile ones too.

    test/decode/compare_with_cv2.py ../shared/data/hostile ../shared/data/trials

An image that both read must have the same size and pixels. What only one of them reads is counted by reason. Needs cv2
4.6 and `node` on the PATH; ends with 1 where pixels differ.
"""

import collections
import concurrent.futures
import json
import pathlib
import resource
import subprocess
import sys

import cv2
import numpy

HERE = pathlib.Path(__file__).parent
MOST_BYTES = 6 << 30
SHOWN = 40


class Service:
    """The service's decoders, in a process of their own."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", HERE / "decode-process.ts"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def decode(self, path):
        """Grey pixels, or why there are none."""
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        line = json.loads(self.process.stdout.readline())
        if "refused" in line:
            return line["refused"]
        shape = (line["height"], line["width"])
        pixels = self.process.stdout.read(shape[0] * shape[1])
        return numpy.frombuffer(pixels, numpy.uint8).reshape(shape)


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    cv2.setNumThreads(1)


def read_by_cv2(path):
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError) as error:
        return f"{type(error).__name__}"
    return "refused" if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


class OpenCV:
    """cv2 in a process that may crash."""

    def __init__(self):
        self.restart()

    def restart(self):
        self.pool = concurrent.futures.ProcessPoolExecutor(1, initializer=limit_memory)

    def decode(self, path):
        try:
            return self.pool.submit(read_by_cv2, path).result()
        except concurrent.futures.process.BrokenProcessPool:
            self.restart()
            return "crashed"


def difference(ours, theirs):
    if ours.shape != theirs.shape:
        return f"size {ours.shape[::-1]} instead of {theirs.shape[::-1]}"
    distances = numpy.abs(ours.astype(int) - theirs)
    share = numpy.count_nonzero(distances) / distances.size
    return f"{share:.1%} of {ours.shape[1]}x{ours.shape[0]} pixels differ, at most by {distances.max()}"


def files_of(names):
    for name in names:
        root = pathlib.Path(name)
        yield from sorted(path for path in ([root] if root.is_file() else root.rglob("*")) if path.is_file())


def main():
    service = Service()
    opencv = OpenCV()
    counts = collections.Counter()
    reasons = collections.Counter()
    differing = []
    for path in files_of(sys.argv[1:]):
        ours = service.decode(path)
        theirs = opencv.decode(path)
        if isinstance(ours, str):
            counts["refused by both" if isinstance(theirs, str) else "read by cv2 alone"] += 1
            if not isinstance(theirs, str):
                reasons[ours] += 1
        elif isinstance(theirs, str):
            counts["read by the service alone"] += 1
            reasons[f"read by the service alone; cv2: {theirs}, {path.name}"] += 1
        elif numpy.array_equal(ours, theirs):
            counts["equal"] += 1
        else:
            counts["different"] += 1
            differing.append(f"{path}: {difference(ours, theirs)}")
    print(dict(counts))
    for reason, count in reasons.most_common(SHOWN):
        print(f"{count:6} {reason}")
    for line in differing:
        print("DIFFERENT", line)
    # First the process that has inherited the other's standard input.
    opencv.pool.shutdown()
    service.process.stdin.close()
    service.process.wait()
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
