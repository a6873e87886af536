"""What only a real service shows: `python -m tests.real_service URL IMAGE LANDSCAPE`.

IMAGE: one that the service does not know
LANDSCAPE: one without a vehicle
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

import edgesift


def check(url: str, path: Path) -> None:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with edgesift.Client(url) as client:
        assert client.health()["status"] == "healthy"
        assert client.exists([sha256]) == set()

        found = client.detect(path, include="all")
        assert not found["cached"] and found["keypoints"] > 10, found["keypoints"]
        features = client.features(sha256)
        assert features.count == found["keypoints"] and features.key == found["cache"]["key"]
        np.testing.assert_array_equal(features.xy[:, 0], np.float32(found["x"]))
        np.testing.assert_array_equal(features.descriptors, found["descriptors"])
        assert client.exists([sha256]) == {sha256}

        assert features.to_colmap_txt().encode() == client.file(path, "colmap").data
        root_sift = client.features(path, root_sift=True)
        np.testing.assert_array_equal(features.root_sift(), root_sift.descriptors)
        colmap = client.file(path, "colmap", root_sift=True).data
        assert features.to_colmap_txt(root_sift=True).encode() == colmap == root_sift.to_colmap_txt().encode()

        match = client.match(path, sha256)
        assert match["cached"] and match["matches"] > 10, match
        items = list(client.batch_features([path, b"no image"], concurrency=2))
        assert {item.index: type(item.error) for item in items} == {0: type(None), 1: edgesift.InvalidImage}
        ignoring = client.features(path, orientation="ignore")
        assert ignoring.key != features.key and ignoring.count == features.count
        assert client.stats()["scope"] in ("service", "isolate")


def check_vehicles(url: str, landscape: Path) -> None:
    """landscape: an image without a vehicle"""
    with edgesift.Client(url) as client:
        data = client.vehicles.classify(landscape)["data"]
        assert not data["is_vehicle"] and data["predictions"]["make"]["predicted_value"] == "unknown", data
        assert client.vehicles.classify(data["image"]["sha256"])["data"]["cached"]
        in_box = client.vehicles.classify(landscape, box="10,20,200,150", include="explanation")["data"]
        assert in_box["box_source"] == "caller" and in_box["explanation"]["columns"] > 0, in_box
        items = list(client.vehicles.classify_batch([landscape, b"no image"], concurrency=2))
        assert {item.index: type(item.error) for item in items} == {0: type(None), 1: edgesift.InvalidImage}
        made = client.vehicles.report(landscape, vehicle_id="landscape", box="10,20,200,150")
        assert client.vehicles.find_report("landscape")["data"]["summary"] == made["data"]["summary"]
        assert "<html" in client.vehicles.report_page(landscape)
        models = client.vehicles.models()["data"]
        assert models["pipeline_initialized"] and models["version"] == data["model_version"], models


if __name__ == "__main__":
    check(sys.argv[1], Path(sys.argv[2]))
    check_vehicles(sys.argv[1], Path(sys.argv[3]))
    print("passed")
