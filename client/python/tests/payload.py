"""A small safetensors file as the service makes them."""

from __future__ import annotations

import json

import numpy as np

SHA256 = "ab" * 32


def arrays_of(count: int = 3, root_sift: bool = False) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    descriptors = random.integers(0, 256, (count, 128), dtype=np.uint8)
    if count > 1:
        descriptors[1] = 0
    floats = np.sqrt(descriptors / np.maximum(1, descriptors.sum(axis=1, keepdims=True))).astype("<f4")
    return {
        "xy": random.uniform(0, 100, (count, 2)).astype("<f4"),
        "size": random.uniform(1, 9, count).astype("<f4"),
        "angle": random.uniform(0, 360, count).astype("<f4"),
        "response": np.linspace(0.09, 0.01, count).astype("<f4"),
        "octave": np.full(count, 255 + (2 << 8) + (7 << 16), "<i4"),
        "descriptors": floats if root_sift else descriptors,
    }


def file_of(arrays: dict[str, np.ndarray]) -> bytes:
    image = {"sha256": SHA256, "format": "png", "width": 100, "height": 80, "bytes": 1234}
    header: dict[str, object] = {
        "__metadata__": {
            "key": f"edgesift@1/n0/{SHA256}",
            "extractor": "edgesift@1",
            "parameters": json.dumps({"nfeatures": 0}),
            "image": json.dumps(image),
        }
    }
    begin = 0
    for name, array in arrays.items():
        dtype = {"f": "F32", "i": "I32", "u": "U8"}[array.dtype.kind]
        end = begin + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values())
