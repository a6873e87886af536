#!/usr/bin/env python3
"""Makes the golden data of this folder: what OpenCV itself says of the images of test/images and, where they
are at hand, of ../shared/data/features.

Run with Debian's python3-opencv:  /usr/bin/python3 test/golden/make.py

OpenCV's results depend in a few bits on the instruction set, so this pins one: AVX2 (the environment variable
is read when OpenCV loads). golden.json says for each image the shape and the SHA-256 of the pixels of
cv2.imread (as R, G, B) and of their BGR2GRAY, and for each set of parameters (denoising included) the number of
keypoints and where their payload stands in payloads.bin.gz: xy, size, angle, response, octave, descriptors,
little-endian, in the order of origin/native/feature_order.h.
"""

import gzip
import hashlib
import json
import os
from pathlib import Path

os.environ["OPENCV_CPU_DISABLE"] = "AVX512-SKX"

import cv2  # noqa: E402
import numpy as np  # noqa: E402

HERE = Path(__file__).parent
IMAGES = HERE.parent / "images"
SHARED = HERE.parent.parent.parent / "shared" / "data" / "features"

DEFAULTS = {
    "nfeatures": 0,
    "n_octave_layers": 3,
    "contrast_threshold": 0.04,
    "edge_threshold": 10.0,
    "sigma": 1.6,
}
VARIATIONS = [
    {"nfeatures": 10},
    {"nfeatures": 1},
    {"n_octave_layers": 1},
    {"n_octave_layers": 5},
    {"contrast_threshold": 0.0},
    {"contrast_threshold": 0.1},
    {"edge_threshold": 3.0},
    {"sigma": 1.0},
    {"sigma": 2.3},
    {"nfeatures": 15, "n_octave_layers": 4, "contrast_threshold": 0.02, "edge_threshold": 20.0, "sigma": 1.2},
]
DENOISINGS = [
    {"h": 3.0, "h_color": 3.0, "template_window_size": 7, "search_window_size": 21},
    {"h": 10.0, "h_color": 4.5, "template_window_size": 5, "search_window_size": 9},
]
VARIED = ["png-rgb.png", "jpeg-420.jpg", "png-grey2.png"]
REAL_VARIATIONS = [{"nfeatures": 100}, {"nfeatures": 333, "sigma": 1.3}]


def features(grey: np.ndarray, parameters: dict) -> tuple[int, bytes]:
    sift = cv2.SIFT_create(
        parameters["nfeatures"],
        parameters["n_octave_layers"],
        parameters["contrast_threshold"],
        parameters["edge_threshold"],
        parameters["sigma"],
    )
    keypoints, descriptors = sift.detectAndCompute(grey, None)
    order = sorted(
        range(len(keypoints)),
        key=lambda i: (
            -keypoints[i].response,
            keypoints[i].pt[1],
            keypoints[i].pt[0],
            keypoints[i].size,
            keypoints[i].angle,
            keypoints[i].octave,
        ),
    )
    if parameters["nfeatures"] > 0:
        order = order[: parameters["nfeatures"]]
    if not order:
        return 0, b""
    ordered = [keypoints[i] for i in order]
    rows = descriptors[order]
    as_bytes = rows.astype(np.uint8)
    assert np.array_equal(as_bytes.astype(np.float32), rows), "a descriptor is not made of bytes"
    columns = [
        np.array([k.pt for k in ordered], "<f4"),
        np.array([k.size for k in ordered], "<f4"),
        np.array([k.angle for k in ordered], "<f4"),
        np.array([k.response for k in ordered], "<f4"),
        np.array([k.octave for k in ordered], "<i4"),
        as_bytes,
    ]
    return len(order), b"".join(column.tobytes() for column in columns)


def denoised_grey(bgr: np.ndarray, denoising: dict) -> np.ndarray:
    denoised = cv2.fastNlMeansDenoisingColored(
        bgr,
        None,
        denoising["h"],
        denoising["h_color"],
        denoising["template_window_size"],
        denoising["search_window_size"],
    )
    return cv2.cvtColor(denoised, cv2.COLOR_BGR2GRAY)


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


class Golden:
    def __init__(self) -> None:
        self.payloads = b""
        self.offsets: dict[bytes, int] = {}

    def place(self, payload: bytes) -> int:
        """Images with the same pixels share one payload."""
        if payload not in self.offsets:
            self.offsets[payload] = len(self.payloads)
            self.payloads += payload
        return self.offsets[payload]

    def image(self, path: Path, variations: list[dict], denoisings: list[dict]) -> dict | None:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            return None
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        results = []
        for variation in [{}, *variations]:
            parameters = {**DEFAULTS, **variation}
            count, payload = features(grey, parameters)
            results.append({"parameters": parameters, "count": count, "offset": self.place(payload)})
        for denoising in denoisings:
            parameters = {**DEFAULTS, "denoising": denoising}
            count, payload = features(denoised_grey(bgr, denoising), parameters)
            results.append({"parameters": parameters, "count": count, "offset": self.place(payload)})
        return {
            "width": bgr.shape[1],
            "height": bgr.shape[0],
            "pixels_sha256": sha256(bgr[..., ::-1]),
            "grey_sha256": sha256(grey),
            "features": results,
        }


def main() -> None:
    cv2.setNumThreads(1)
    golden = Golden()
    varied = (VARIATIONS, DENOISINGS)
    images = {
        path.name: golden.image(path, *(varied if path.name in VARIED else ([], [])))
        for path in sorted(IMAGES.iterdir())
        if path.suffix != ".py"
    }
    shared = {path.name: golden.image(path, REAL_VARIATIONS, DENOISINGS[:1]) for path in sorted(SHARED.glob("*.*"))}
    document = {
        "opencv": cv2.__version__,
        "dispatch": "avx2",
        "images": images,
        "shared": shared,
    }
    (HERE / "golden.json").write_text(json.dumps(document, indent=2) + "\n")
    (HERE / "payloads.bin.gz").write_bytes(gzip.compress(golden.payloads, 9, mtime=0))
    print(f"{len(images)} + {len(shared)} images, {len(golden.payloads)} bytes of payload")


if __name__ == "__main__":
    main()
