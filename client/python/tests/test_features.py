from __future__ import annotations

import importlib.util
import tempfile
import unittest
from pathlib import Path

import numpy as np

from edgesift import UnexpectedResponse, read_features
from edgesift.features import _float_text

from .payload import SHA256, arrays_of, file_of


def misses(module: str) -> bool:
    return importlib.util.find_spec(module) is None


class ReadFeatures(unittest.TestCase):
    def test_arrays_hold_what_the_file_holds(self) -> None:
        arrays = arrays_of()
        features = read_features(file_of(arrays))
        self.assertEqual(features.count, 3)
        for name, array in arrays.items():
            np.testing.assert_array_equal(getattr(features, name), array)
        self.assertEqual(features.image["sha256"], SHA256)
        self.assertEqual(features.parameters, {"nfeatures": 0})

    def test_arrays_are_views_of_the_bytes(self) -> None:
        file = bytearray(file_of(arrays_of()))
        features = read_features(file)
        whole = np.frombuffer(file, np.uint8)
        for name in ("xy", "size", "angle", "response", "octave", "descriptors"):
            self.assertTrue(np.shares_memory(whole, getattr(features, name)), name)
            self.assertTrue(getattr(features, name).flags.aligned, name)
        file[-1] = 77
        self.assertEqual(features.descriptors[-1, -1], 77)

    def test_no_keypoints(self) -> None:
        features = read_features(file_of(arrays_of(0)))
        self.assertEqual((features.count, features.xy.shape, features.descriptors.shape), (0, (0, 2), (0, 128)))
        self.assertEqual(features.to_colmap_txt(), "0 128\n")

    def test_damaged_files_are_refused(self) -> None:
        file = file_of(arrays_of())
        damaged = [b"", file[:5], file[:40], file[:-1], b"\xff" * 8 + file[8:], file.replace(b'"U8"', b'"I8"')]
        damaged.append(file.replace(b"sha256", b"sha257"))
        damaged.append(file.replace(b'"shape": [3, 2]', b'"shape": [2, 3]'))
        for index, bad in enumerate(damaged):
            with self.subTest(index), self.assertRaises(UnexpectedResponse):
                read_features(bad)


class RootSift(unittest.TestCase):
    def test_rows_have_unit_length_and_empty_rows_stay_empty(self) -> None:
        lengths = np.linalg.norm(read_features(file_of(arrays_of())).root_sift(), axis=1)
        np.testing.assert_allclose(lengths, [1, 0, 1], atol=1e-6)

    def test_descriptors_that_are_root_sift_stay(self) -> None:
        features = read_features(file_of(arrays_of(root_sift=True)))
        self.assertIs(features.root_sift(), features.descriptors)


class Colmap(unittest.TestCase):
    def test_positions_are_from_the_corner_scale_is_sigma_and_angles_are_radians(self) -> None:
        arrays = arrays_of()
        text = read_features(file_of(arrays)).to_colmap_txt()
        head, *lines = text.splitlines()
        self.assertEqual(head, "3 128")
        rows = np.array([line.split(" ") for line in lines], np.float64)
        np.testing.assert_allclose(rows[:, :2], arrays["xy"] + 0.5, rtol=1e-7)
        np.testing.assert_array_equal(rows[:, 2].astype(np.float32), arrays["size"] / np.float32(2))
        np.testing.assert_allclose(rows[:, 3], np.radians(arrays["angle"].astype(np.float64)), rtol=1e-7)
        np.testing.assert_array_equal(rows[:, 4:], arrays["descriptors"])

    def test_root_sift_is_512_times_the_value(self) -> None:
        arrays = arrays_of()
        sums = np.maximum(1, arrays["descriptors"].sum(axis=1, keepdims=True))
        expected = np.minimum(255, np.floor(512 * np.sqrt(arrays["descriptors"] / sums) + 0.5))
        texts = [
            read_features(file_of(arrays)).to_colmap_txt(root_sift=True),
            read_features(file_of(arrays_of(root_sift=True))).to_colmap_txt(),
        ]
        for text in texts:
            rows = np.array([line.split(" ")[4:] for line in text.splitlines()[1:]], np.float64)
            np.testing.assert_allclose(rows, expected, atol=1)
            self.assertGreater(rows.max(), 40)

    def test_is_written_to_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg.txt"
            text = read_features(file_of(arrays_of())).to_colmap_txt(path)
            self.assertEqual(path.read_text(), text)

    def test_numbers_are_those_of_the_service(self) -> None:
        numbers = {0.5: "0.5", 100.0: "100", 1e-05: "0.00001", 1.25e-07: "1.25e-7", 12345678848.0: "12345678800", -0.0: "0"}
        halves = {64.00390625: "64.0039063", -64.00390625: "-64.0039063", 128.001953125: "128.001953"}
        for value, text in (numbers | halves).items():
            self.assertEqual(_float_text(value), text)


@unittest.skipIf(misses("cv2"), "OpenCV is not installed")
class Cv2(unittest.TestCase):
    def test_keypoints_are_those_of_opencv(self) -> None:
        import cv2

        arrays = arrays_of()
        keypoints, descriptors = read_features(file_of(arrays)).to_cv2()
        np.testing.assert_array_equal(cv2.KeyPoint_convert(keypoints), arrays["xy"])
        for index, keypoint in enumerate(keypoints):
            self.assertEqual(keypoint.octave, arrays["octave"][index])
            values = np.float32([keypoint.size, keypoint.angle, keypoint.response])
            np.testing.assert_array_equal(values, [arrays[name][index] for name in ("size", "angle", "response")])
        self.assertEqual(descriptors.dtype, np.float32)
        matches = cv2.BFMatcher(cv2.NORM_L2).match(descriptors, descriptors)
        self.assertEqual([(match.trainIdx, match.distance) for match in matches], [(0, 0), (1, 0), (2, 0)])


@unittest.skipIf(misses("h5py"), "h5py is not installed")
class Hloc(unittest.TestCase):
    def test_a_group_for_each_image_is_replaced_when_written_again(self) -> None:
        import h5py

        arrays = arrays_of()
        features = read_features(file_of(arrays))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "features.h5"
            for name in ("db/a.jpg", "db/b.jpg", "db/a.jpg"):
                features.to_hloc_h5(path, name)
            with h5py.File(path, "r") as file:
                self.assertEqual(sorted(file["db"]), ["a.jpg", "b.jpg"])
                group = file["db/a.jpg"]
                np.testing.assert_array_equal(group["keypoints"], arrays["xy"])
                self.assertEqual(group["keypoints"].attrs["uncertainty"], 1.0)
                self.assertEqual(group["descriptors"].shape, (128, 3))
                np.testing.assert_array_equal(group["descriptors"][()].T, features.root_sift())
                np.testing.assert_array_equal(group["scores"], arrays["response"])
                self.assertEqual(group["image_size"][()].tolist(), [100, 80])
