"""The features of one image as NumPy arrays, and the forms that other programs take."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np
import numpy.typing as npt

from .errors import UnexpectedResponse

if TYPE_CHECKING:
    import cv2

DESCRIPTOR_LENGTH = 128

_PREFIX_BYTES = 8
_MAX_HEADER_BYTES = 16 * 1024
_NINE_DIGITS = Context(prec=9, rounding=ROUND_HALF_UP)
_DTYPES = {"F32": np.dtype("<f4"), "I32": np.dtype("<i4"), "U8": np.dtype("u1")}

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, eq=False)
class Features:
    """The features of one image: N keypoints, strongest first, in arrays that view the bytes of `file`.

    Coordinates are in pixels; the centre of the upper-left pixel is (0,0).

    count: N, the number of keypoints
    xy: float32[N,2], x to the right, y down, in pixels
    size: float32[N], diameter of the described neighbourhood, in pixels
    angle: float32[N], orientation in degrees, [0, 360), clockwise as seen on screen
    response: float32[N], contrast
    octave: int32[N], OpenCV's packed octave, layer and sub-layer offset
    descriptors: uint8[N,128], integers 0 to 255; with `root_sift` float32[N,128], rows of unit length
    image: `sha256`, `format`, `width`, `height` and `bytes`
    extractor: as in `edgesift@1`
    key: names the result completely; equal keys have equal bytes
    parameters: those that decided the result
    file: the safetensors file that the arrays view, to be written to disk as it is
    """

    count: int
    xy: npt.NDArray[np.float32]
    size: npt.NDArray[np.float32]
    angle: npt.NDArray[np.float32]
    response: npt.NDArray[np.float32]
    octave: npt.NDArray[np.int32]
    descriptors: npt.NDArray[Any]
    image: dict[str, Any]
    extractor: str
    key: str
    parameters: dict[str, Any]
    file: Buffer

    def root_sift(self) -> npt.NDArray[np.float32]:
        """RootSIFT descriptors, float32[N,128]: the square roots of L1-normalised rows (Arandjelović and Zisserman, CVPR
        2012, section 3). A row of zeros stays zero."""
        if self.descriptors.dtype != np.uint8:
            return self.descriptors
        values = self.descriptors.astype(np.float64)
        sums = values.sum(axis=1, keepdims=True)
        return np.sqrt(values / np.where(sums == 0, 1, sums)).astype(np.float32)

    def to_cv2(self) -> tuple[Sequence[cv2.KeyPoint], npt.NDArray[np.float32]]:
        """Keypoints and float32[N,128] descriptors, as `cv2.SIFT.detectAndCompute` returns them. Takes OpenCV."""
        import cv2

        rows = zip(
            self.xy.tolist(),
            self.size.tolist(),
            self.angle.tolist(),
            self.response.tolist(),
            self.octave.tolist(),
            strict=True,
        )
        keypoints = tuple(
            cv2.KeyPoint(x, y, size, angle, response, octave) for (x, y), size, angle, response, octave in rows
        )
        return keypoints, self.descriptors.astype(np.float32)

    def to_colmap_txt(self, path: str | os.PathLike[str] | None = None, *, root_sift: bool = False) -> str:
        """The text that `colmap feature_importer` reads, the same as the service's `format=colmap`.

        `N 128`, then a line `X Y SCALE ORIENTATION D1 … D128` for each keypoint. COLMAP puts (0,0) at the corner of the
        upper-left pixel, so half a pixel is added. SCALE is σ, half of `size`; ORIENTATION is in radians, clockwise.

        path: also written there, where it is given; COLMAP expects the image's name with `.txt` added
        root_sift: RootSIFT as COLMAP stores it: 512 times the value, rounded, at most 255. Always so for float descriptors.
        """
        is_root_sift = root_sift or self.descriptors.dtype != np.uint8
        descriptors = _root_sift_bytes(self.root_sift()) if is_root_sift else self.descriptors
        orientation = (self.angle.astype(np.float64) * math.pi / 180).astype(np.float32)
        frames = np.column_stack([self.xy + np.float32(0.5), self.size / np.float32(2), orientation])
        lines = [f"{self.count} {DESCRIPTOR_LENGTH}\n"]
        for frame, descriptor in zip(frames.tolist(), descriptors.tolist(), strict=True):
            numbers = " ".join(map(_float_text, frame))
            lines.append(f"{numbers} {' '.join(map(str, descriptor))}\n")
        text = "".join(lines)
        if path is not None:
            with open(path, "w", encoding="ascii", newline="\n") as file:
                file.write(text)
        return text

    def to_hloc_h5(self, path: str | os.PathLike[str], name: str) -> None:
        """Adds the features to a file of hloc's, which is made where it is missing. Takes h5py.

        The group `name` is replaced where it is there. It holds `keypoints` float32[N,2] with the attribute `uncertainty`,
        `descriptors` float32[128,N] (RootSIFT, as hloc's own SIFT), `scores` float32[N] and `image_size` (width, height).
        hloc's keypoints have (0,0) at the centre of the upper-left pixel, as ours.

        name: of the image, relative to hloc's folder of images
        """
        try:
            import h5py
        except ImportError as cause:
            raise ImportError("to_hloc_h5 takes h5py: pip install h5py") from cause
        with h5py.File(os.fspath(path), "a") as file:
            if name in file:
                del file[name]
            group = file.create_group(name)
            keypoints = group.create_dataset("keypoints", data=self.xy)
            keypoints.attrs["uncertainty"] = 1.0
            group.create_dataset("descriptors", data=self.root_sift().T)
            group.create_dataset("scores", data=self.response)
            group.create_dataset("image_size", data=np.array([self.image["width"], self.image["height"]]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the safetensors file."""
        with open(path, "wb") as file:
            file.write(self.file)


def read_features(file: Buffer) -> Features:
    """Reads a safetensors file of the service, without a copy of its tensors.

    Arrays over a bytearray can be written to, those over bytes cannot. Raises `UnexpectedResponse` for a file that is
    damaged or not of the service.
    """
    try:
        return _features_in(file)
    except (ValueError, KeyError, TypeError) as cause:
        raise UnexpectedResponse(f"These features cannot be read: {cause}.") from cause


def _features_in(file: Buffer) -> Features:
    view = memoryview(file).cast("B")
    header_length = int.from_bytes(view[:_PREFIX_BYTES], "little")
    data_at = _PREFIX_BYTES + header_length
    if len(view) < _PREFIX_BYTES or header_length > _MAX_HEADER_BYTES or data_at > len(view):
        raise ValueError("the header is out of bounds")
    header = json.loads(bytes(view[_PREFIX_BYTES:data_at]))
    metadata = header["__metadata__"]
    data = view[data_at:]
    (count, _) = _shape_of(header, "xy")

    def tensor(name: str, dtype: str, *shape: int) -> npt.NDArray[Any]:
        return _tensor(data, header, name, dtype, shape)

    image = json.loads(metadata["image"])
    if not isinstance(image["sha256"], str) or not isinstance(image["width"], int):
        raise ValueError("the metadata has no image")
    return Features(
        count=count,
        xy=tensor("xy", "F32", count, 2),
        size=tensor("size", "F32", count),
        angle=tensor("angle", "F32", count),
        response=tensor("response", "F32", count),
        octave=tensor("octave", "I32", count),
        descriptors=tensor(
            "descriptors",
            "F32" if header["descriptors"]["dtype"] == "F32" else "U8",
            count,
            DESCRIPTOR_LENGTH,
        ),
        image=image,
        extractor=metadata["extractor"],
        key=metadata["key"],
        parameters=json.loads(metadata["parameters"]),
        file=file,
    )


def _shape_of(header: dict[str, Any], name: str) -> list[int]:
    shape = header[name]["shape"]
    if not isinstance(shape, list) or not all(type(extent) is int and extent >= 0 for extent in shape):
        raise ValueError(f"tensor {name} is not described as it should be")
    return shape


def _tensor(
    data: memoryview, header: dict[str, Any], name: str, dtype: str, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """A view, checked to lie within the data and to be as long as its shape says."""
    entry = header[name]
    if entry["dtype"] != dtype or tuple(_shape_of(header, name)) != shape:
        raise ValueError(f"tensor {name} is {entry['dtype']}{entry['shape']} instead of {dtype}{list(shape)}")
    begin, end = entry["data_offsets"]
    length = math.prod(shape)
    if not 0 <= begin <= end <= len(data) or end - begin != length * _DTYPES[dtype].itemsize:
        raise ValueError(f"tensor {name} is cut short")
    return np.frombuffer(data[begin:end], _DTYPES[dtype], length).reshape(shape)


def _root_sift_bytes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """RootSIFT in bytes, as COLMAP stores it."""
    return np.minimum(255, np.floor(values.astype(np.float64) * 512 + 0.5)).astype(np.uint8)


def _float_text(value: float) -> str:
    """A decimal that reads back as the same 32-bit float: nine significant digits always do (IEEE 754, 5.12.2).

    The text is that of the service (ECMAScript's `toPrecision`): halves are rounded away from zero, and there is an
    exponent only below 1e-6.
    """
    decimal = _NINE_DIGITS.create_decimal_from_float(value)
    if decimal.is_zero():
        return "0"
    decimal = decimal.normalize(_NINE_DIGITS)
    exponent = decimal.adjusted()
    return f"{decimal.scaleb(-exponent):f}e{exponent}" if exponent < -6 else f"{decimal:f}"
