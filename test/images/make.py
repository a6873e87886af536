#!/usr/bin/env python3
"""Makes the images of this folder: one small synthetic scene in every kind of file the service reads.

Needs Debian's python3-opencv, python3-pil and libtiff-tools; the images are committed, so you need them only if you add
a kind runs this:  /usr/bin/python3 test/images/make.py
Kinds that the libraries do not write (low bit depths, odd headers) are written here byte by byte.
"""

import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
WIDTH, HEIGHT = 83, 61  # odd, so that padding, chroma edges and strides show


def scene() -> np.ndarray:
    """RGB with edges, blobs and texture of several sizes; no symmetry, so every orientation differs."""
    random = np.random.default_rng(20261122)
    scale = 4
    canvas = np.zeros((HEIGHT * scale, WIDTH * scale, 3), np.float32)
    y, x = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]]
    for channel, (a, b) in enumerate([(90, 60), (120, 30), (60, 110)]):
        canvas[..., channel] = 40 + a * x / canvas.shape[1] + b * y / canvas.shape[0]
    for _ in range(46):
        centre = tuple(int(v) for v in random.integers((0, 0), (WIDTH * scale, HEIGHT * scale)))
        colour = tuple(float(v) for v in random.integers(0, 256, 3))
        radius = int(random.integers(5, 30))
        if random.random() < 0.5:
            cv2.circle(canvas, centre, radius, colour, -1, cv2.LINE_AA)
        else:
            corner = (centre[0] + radius, centre[1] + int(random.integers(4, 40)))
            cv2.rectangle(canvas, centre, corner, colour, -1)
    small = cv2.resize(cv2.GaussianBlur(canvas, (0, 0), 3), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


RGB = scene()
GREY = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)
ALPHA = np.clip(np.add.outer(np.arange(HEIGHT) * 3, np.arange(WIDTH)), 0, 255).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
RGB16 = RGB * np.uint16(257) - (RGB > 0) * np.uint16(100)  # low bytes matter to a decoder that rounds
GREY16 = GREY * np.uint16(257) - (GREY > 0) * np.uint16(100)
PALETTE_IMAGE = Image.fromarray(RGB).quantize(256, dither=Image.Dither.NONE)
COLOURS = np.array(PALETTE_IMAGE.getpalette(), np.uint8).reshape(-1, 3)
INDEX8 = np.array(PALETTE_IMAGE)


def quantised(colours: int) -> tuple[np.ndarray, np.ndarray]:
    image = Image.fromarray(RGB).quantize(colours, dither=Image.Dither.NONE)
    palette = np.array(image.getpalette(), np.uint8).reshape(-1, 3)[:colours]
    return np.array(image), palette


def write(name: str, data: bytes) -> None:
    (HERE / name).write_bytes(data)


# JPEG


def jpeg(name: str, image: np.ndarray, mode: str | None = None, **options) -> bytes:
    Image.fromarray(image, mode).save(HERE / name, "JPEG", **{"quality": 85, **options})
    return (HERE / name).read_bytes()


def exif_big_endian(orientation: int) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def exif(orientation: int) -> bytes:
    """A TIFF structure with the one tag Orientation (0x0112)."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def make_jpegs() -> None:
    jpeg("jpeg-420.jpg", RGB, subsampling=2)
    jpeg("jpeg-422.jpg", RGB, subsampling=1)
    jpeg("jpeg-444.jpg", RGB, subsampling=0)
    jpeg("jpeg-rgb-quality-30.jpg", RGB, quality=30)
    jpeg("jpeg-grey.jpg", GREY)
    jpeg("jpeg-progressive.jpg", RGB, progressive=True)
    jpeg("jpeg-progressive-grey.jpg", GREY, progressive=True)
    cv2.imwrite(
        str(HERE / "jpeg-restart.jpg"),
        RGB[..., ::-1],
        [cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_RST_INTERVAL, 3],
    )
    for orientation in range(1, 9):
        jpeg(f"jpeg-exif-{orientation}.jpg", RGB, quality=70, exif=b"Exif\0\0" + exif(orientation))
    jpeg("jpeg-exif-6-big-endian.jpg", RGB, quality=70, exif=b"Exif\0\0" + exif_big_endian(6))
    jpeg("jpeg-exif-0.jpg", RGB, quality=70, exif=b"Exif\0\0" + exif(0))
    jpeg("jpeg-exif-9.jpg", RGB, quality=70, exif=b"Exif\0\0" + exif(9))

    cmyk = np.array(Image.fromarray(RGB).convert("CMYK")).astype(np.int16)
    black = np.minimum(cmyk[..., 0], np.minimum(cmyk[..., 1], cmyk[..., 2])) // 2
    cmyk = np.dstack([cmyk[..., i] - black for i in range(3)] + [black]).astype(np.uint8)
    adobe = jpeg("jpeg-cmyk-adobe.jpg", cmyk, "CMYK")  # Adobe's marker, stored inverted
    at = adobe.index(b"\xff\xee")
    length = struct.unpack_from(">H", adobe, at + 2)[0]
    write("jpeg-cmyk-plain.jpg", adobe[:at] + adobe[at + 2 + length :])
    ycck = cmyk.copy()
    ycck[..., :3] = 255 - cv2.cvtColor(255 - cmyk[..., :3], cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    data = bytearray(jpeg("jpeg-ycck-adobe.jpg", ycck, "CMYK"))
    data[data.index(b"Adobe") + 11] = 2  # the transform flag: YCCK
    write("jpeg-ycck-adobe.jpg", bytes(data))

    plain = bytearray(jpeg("jpeg-rgb-adobe.jpg", RGB, quality=75, subsampling=0))
    # APP14 with transform 0 in place of JFIF: the three components are R, G, B themselves.
    length = struct.unpack_from(">H", plain, 4)[0]
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    write("jpeg-rgb-adobe.jpg", bytes(plain[:2]) + marker + bytes(plain[4 + length :]))


# PNG


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png_rows(samples: np.ndarray, bits: int) -> bytes:
    """Filter type 1 (Sub is byte-wise, so it suits 8 and 16 bits) or 0 for packed samples."""
    out = b""
    for row in samples:
        if bits == 16:
            line = row.astype(">u2").tobytes()
        elif bits == 8:
            line = row.astype(np.uint8).tobytes()
        else:
            expanded = (row.reshape(-1, 1) >> np.arange(bits - 1, -1, -1)) & 1
            line = np.packbits(expanded.astype(np.uint8).reshape(-1)).tobytes()
        if bits < 8:
            out += b"\0" + line
            continue
        step = (1 if row.ndim == 1 else row.shape[-1]) * bits // 8
        raw = np.frombuffer(line, np.uint8)
        out += b"\1" + (raw - np.concatenate([np.zeros(step, np.uint8), raw[:-step]])).tobytes()
    return out


def png(name, samples, bits, colour_type, chunks=(), interlaced=False) -> None:
    height, width = samples.shape[:2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        data = b"".join(png_rows(part, bits) for part in passes if part.size)
    else:
        data = png_rows(samples, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    body = b"".join(chunk(kind, payload) for kind, payload in chunks)
    write(
        name,
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + body
        + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b""),
    )


def make_pngs() -> None:
    grey, rgb, palette, grey_alpha, rgba = 0, 2, 3, 4, 6
    png("png-rgb.png", RGB, 8, rgb)
    png("png-rgb-interlaced.png", RGB, 8, rgb, interlaced=True)
    png("png-rgb16.png", RGB16, 16, rgb)
    png("png-grey.png", GREY, 8, grey)
    png("png-grey16.png", GREY16, 16, grey)
    png("png-grey16-interlaced.png", GREY16, 16, grey, interlaced=True)
    for bits in (1, 2, 4):
        png(f"png-grey{bits}.png", GREY >> (8 - bits), bits, grey)
        index, colours = quantised(1 << bits)
        png(f"png-palette{bits}.png", index, bits, palette, [(b"PLTE", colours.tobytes())])
    png("png-grey1-interlaced.png", GREY >> 7, 1, grey, interlaced=True)
    png("png-palette8.png", INDEX8, 8, palette, [(b"PLTE", COLOURS.tobytes())])
    opacity = bytes((i * 7) % 256 for i in range(200))
    png("png-palette8-trns.png", INDEX8, 8, palette, [(b"PLTE", COLOURS.tobytes()), (b"tRNS", opacity)])
    index, colours = quantised(16)
    png("png-palette4-trns.png", index, 4, palette, [(b"PLTE", colours.tobytes()), (b"tRNS", bytes(16))])
    png("png-grey-trns.png", GREY, 8, grey, [(b"tRNS", struct.pack(">H", int(GREY[5, 5])))])
    png("png-rgb-trns.png", RGB, 8, rgb, [(b"tRNS", struct.pack(">3H", *(int(v) for v in RGB[5, 5])))])
    png("png-rgb16-trns.png", RGB16, 16, rgb, [(b"tRNS", struct.pack(">3H", *(int(v) for v in RGB16[5, 5])))])
    png("png-rgba.png", RGBA, 8, rgba)
    png("png-rgba-interlaced.png", RGBA, 8, rgba, interlaced=True)
    png("png-rgba16.png", RGBA.astype(np.uint16) * 257, 16, rgba)
    png("png-grey-alpha.png", np.dstack([GREY, ALPHA]), 8, grey_alpha)
    png("png-grey-alpha16.png", np.dstack([GREY, ALPHA]).astype(np.uint16) * 257, 16, grey_alpha)
    png("png-gamma.png", RGB, 8, rgb, [(b"gAMA", struct.pack(">I", 100000))])
    png("png-exif-6.png", RGB, 8, rgb, [(b"eXIf", exif(6))])


# TIFF


class Tiff:
    """One uncompressed directory. `planar`: one strip per sample instead of one for all."""

    SHORT, LONG = 3, 4

    def __init__(self, samples, photometric, bits=None, order="<", planar=False, **tags):
        self.order = order
        height, width = samples.shape[:2]
        count = 1 if samples.ndim == 2 else samples.shape[2]
        bits = bits or samples.dtype.itemsize * 8
        strips = np.moveaxis(samples, 2, 0) if planar else [samples]
        self.strips = [self.packed(strip, bits) for strip in strips]
        self.tags = {
            256: (self.SHORT, [width]),
            257: (self.SHORT, [height]),
            258: (self.SHORT, [bits] * count),
            259: (self.SHORT, [1]),
            262: (self.SHORT, [photometric]),
            273: (self.LONG, [0] * len(self.strips)),
            277: (self.SHORT, [count]),
            278: (self.SHORT, [height]),
            279: (self.LONG, [len(strip) for strip in self.strips]),
            284: (self.SHORT, [2 if planar else 1]),
            **{int(tag[1:]): (self.SHORT, value) for tag, value in tags.items()},
        }

    def packed(self, samples: np.ndarray, bits: int) -> bytes:
        if bits >= 8:
            return samples.astype(samples.dtype.newbyteorder(self.order)).tobytes()
        expanded = (samples[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        return np.packbits(expanded.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()

    def bytes(self) -> bytes:
        offsets, at = [], 8
        for strip in self.strips:
            offsets.append(at)
            at += len(strip) + len(strip) % 2
        self.tags[273] = (self.LONG, offsets)
        directory = at
        at += 2 + 12 * len(self.tags) + 4
        entries, values = b"", b""
        for tag, (kind, numbers) in sorted(self.tags.items()):
            data = struct.pack(self.order + ("H" if kind == self.SHORT else "I") * len(numbers), *numbers)
            if len(data) <= 4:
                inline = data.ljust(4, b"\0")
            else:
                inline = struct.pack(self.order + "I", at + len(values))
                values += data + b"\0" * (len(data) % 2)
            entries += struct.pack(self.order + "HHI", tag, kind, len(numbers)) + inline
        head = (b"II*\0" if self.order == "<" else b"MM\0*") + struct.pack(self.order + "I", directory)
        body = b"".join(strip + b"\0" * (len(strip) % 2) for strip in self.strips)
        count = struct.pack(self.order + "H", len(self.tags))
        return head + body + count + entries + bytes(4) + values


WHITE_IS_ZERO, BLACK_IS_ZERO, IS_RGB, IS_PALETTE, IS_CMYK, IS_YCBCR, IS_LAB = 0, 1, 2, 3, 5, 6, 8


def recompressed(name: str, source: bytes, *options: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tif") as file:
        file.write(source)
        file.flush()
        subprocess.run(["tiffcp", *options, file.name, HERE / name], check=True)


def make_tiffs() -> None:
    rgb = Tiff(RGB, IS_RGB).bytes()
    grey = Tiff(GREY, BLACK_IS_ZERO).bytes()
    write("tiff-rgb.tif", rgb)
    write("tiff-grey.tif", grey)
    write("tiff-rgb-big-endian.tif", Tiff(RGB, IS_RGB, order=">").bytes())
    write("tiff-rgb-planar.tif", Tiff(RGB, IS_RGB, planar=True).bytes())
    write("tiff-grey-white-is-zero.tif", Tiff(255 - GREY, WHITE_IS_ZERO).bytes())
    recompressed("tiff-rgb-lzw.tif", rgb, "-c", "lzw", "-r", "16")
    recompressed("tiff-rgb-lzw-predictor.tif", rgb, "-c", "lzw:2", "-r", "16")
    recompressed("tiff-rgb-deflate.tif", rgb, "-c", "zip:2", "-r", "16")
    recompressed("tiff-rgb-packbits.tif", rgb, "-c", "packbits")
    recompressed("tiff-rgb-tiled.tif", rgb, "-t", "-w", "32", "-l", "16", "-c", "lzw")
    recompressed("tiff-grey-tiled.tif", grey, "-t", "-w", "32", "-l", "32", "-c", "zip")
    recompressed("tiff-rgb-planar-lzw.tif", rgb, "-p", "separate", "-c", "lzw")
    recompressed("tiff-rgb-jpeg.tif", rgb, "-c", "jpeg:r:80", "-r", "16")
    recompressed("tiff-ycbcr-jpeg.tif", rgb, "-c", "jpeg:80", "-r", "16")
    write("tiff-rgb16.tif", Tiff(RGB16, IS_RGB).bytes())
    write("tiff-rgb16-big-endian.tif", Tiff(RGB16, IS_RGB, order=">").bytes())
    write("tiff-grey16.tif", Tiff(GREY16, BLACK_IS_ZERO).bytes())
    write("tiff-rgba.tif", Tiff(RGBA, IS_RGB, t338=[2]).bytes())
    premultiplied = np.dstack([(RGB.astype(np.uint16) * ALPHA[..., None] // 255).astype(np.uint8), ALPHA])
    write("tiff-rgba-premultiplied.tif", Tiff(premultiplied, IS_RGB, t338=[1]).bytes())
    write("tiff-rgba-unspecified.tif", Tiff(RGBA, IS_RGB, t338=[0]).bytes())
    write("tiff-rgba-undeclared.tif", Tiff(RGBA, IS_RGB).bytes())
    alpha16 = ALPHA * np.uint16(257) - (ALPHA > 0) * np.uint16(90)
    write("tiff-rgba16.tif", Tiff(np.dstack([RGB16, alpha16]), IS_RGB, t338=[2]).bytes())
    premultiplied16 = (RGB16.astype(np.uint64) * alpha16[..., None] // 65535).astype(np.uint16)
    rgba16 = np.dstack([premultiplied16, alpha16])
    write("tiff-rgba16-premultiplied.tif", Tiff(rgba16, IS_RGB, t338=[1]).bytes())
    write("tiff-grey-alpha16.tif", Tiff(np.dstack([GREY16, alpha16]), BLACK_IS_ZERO, t338=[2]).bytes())
    grey_alpha = premultiplied[..., [0, 3]]
    write("tiff-grey-alpha-premultiplied.tif", Tiff(grey_alpha, BLACK_IS_ZERO, t338=[1]).bytes())
    write("tiff-rgba-planar.tif", Tiff(RGBA, IS_RGB, planar=True, t338=[2]).bytes())
    write("tiff-rgb16-planar.tif", Tiff(RGB16, IS_RGB, planar=True).bytes())
    cmyk = np.array(Image.fromarray(RGB).convert("CMYK"))
    write("tiff-cmyk.tif", Tiff(cmyk, IS_CMYK).bytes())
    write("tiff-cmyk16.tif", Tiff(cmyk * np.uint16(257), IS_CMYK).bytes())
    write("tiff-grey16-white-is-zero.tif", Tiff(65535 - GREY16, WHITE_IS_ZERO).bytes())
    write("tiff-lab.tif", Tiff(np.array(Image.fromarray(RGB).convert("LAB")), IS_LAB).bytes())
    write("tiff-ycbcr.tif", Tiff(np.array(Image.fromarray(RGB).convert("YCbCr")), IS_YCBCR, t530=[1, 1]).bytes())
    write("tiff-grey-alpha.tif", Tiff(np.dstack([GREY, ALPHA]), BLACK_IS_ZERO, t338=[2]).bytes())
    write("tiff-bilevel.tif", Tiff(GREY >> 7, BLACK_IS_ZERO, bits=1).bytes())
    bilevel = Tiff(1 - (GREY >> 7), WHITE_IS_ZERO, bits=1).bytes()
    write("tiff-bilevel-white-is-zero.tif", bilevel)
    recompressed("tiff-bilevel-ccitt-g3.tif", bilevel, "-c", "g3")
    recompressed("tiff-bilevel-ccitt-g4.tif", bilevel, "-c", "g4")
    write("tiff-grey2.tif", Tiff(GREY >> 6, BLACK_IS_ZERO, bits=2).bytes())
    write("tiff-grey4.tif", Tiff(GREY >> 4, BLACK_IS_ZERO, bits=4).bytes())
    colour_map = (COLOURS.T.astype(np.uint16) * 257).reshape(-1).tolist()
    write("tiff-palette8.tif", Tiff(INDEX8, IS_PALETTE, t320=colour_map).bytes())
    index, colours = quantised(16)
    colour_map = (colours.T.astype(np.uint16) * 257).reshape(-1).tolist()
    write("tiff-palette4.tif", Tiff(index, IS_PALETTE, bits=4, t320=colour_map).bytes())
    write("tiff-grey-float32.tif", Tiff(GREY.astype(np.float32), BLACK_IS_ZERO, t339=[3]).bytes())
    write("tiff-rgb-float32.tif", Tiff(RGB.astype(np.float32), IS_RGB, t339=[3] * 3).bytes())
    for orientation in range(2, 9):
        write(f"tiff-orientation-{orientation}.tif", Tiff(RGB, IS_RGB, t274=[orientation]).bytes())
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("first.tif", rgb), ("second.tif", grey)):
            (Path(folder) / name).write_bytes(data)
        subprocess.run(
            ["tiffcp", "-c", "lzw", f"{folder}/first.tif", f"{folder}/second.tif", HERE / "tiff-two-pages.tif"],
            check=True,
        )


# WebP


def make_webps() -> None:
    image = Image.fromarray(RGB)
    with_alpha = Image.fromarray(RGBA)
    image.save(HERE / "webp-lossy.webp", quality=80)
    image.save(HERE / "webp-lossless.webp", lossless=True)
    with_alpha.save(HERE / "webp-lossy-alpha.webp", quality=80)
    with_alpha.save(HERE / "webp-lossless-alpha.webp", lossless=True, exact=True)
    image.save(HERE / "webp-exif-6.webp", quality=80, exif=exif(6))


# BMP


def bmp_rows(samples: np.ndarray, bits: int, bottom_up: bool = True) -> bytes:
    out = b""
    for row in samples[::-1] if bottom_up else samples:
        if bits < 8:
            expanded = (row.reshape(-1, 1) >> np.arange(bits - 1, -1, -1)) & 1
            line = np.packbits(expanded.astype(np.uint8).reshape(-1)).tobytes()
        else:
            line = np.ascontiguousarray(row).tobytes()
        out += line + bytes(-len(line) % 4)
    return out


def bmp(name, pixels, bits, colours=None, compression=0, header=40, masks=b"", height=HEIGHT, entry=4) -> None:
    """`header`: its length, which names its kind (12 OS/2, 40 Windows 3, 108 v4, 124 v5)."""
    table = b""
    if colours is not None:
        blue_first = colours[:, ::-1]
        table = b"".join(bytes(colour) + bytes(entry - 3) for colour in blue_first)
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        used = 0 if colours is None else len(colours)
        info = struct.pack(
            "<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(pixels), 2835, 2835, used, 0
        )
        info += masks
        if header > 40:
            info = info.ljust(header, b"\0")
    offset = 14 + len(info) + len(table)
    file_header = struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
    write(name, file_header + info + table + pixels)


def run_lengths(row: np.ndarray) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for value in row.tolist():
        if runs and runs[-1][1] == value and runs[-1][0] < 255:
            runs[-1] = (runs[-1][0] + 1, value)
        else:
            runs.append((1, value))
    return runs


def rle8(index: np.ndarray, absolute: bool = False) -> bytes:
    out = b""
    for row in index[::-1]:
        if absolute:
            # Absolute mode for the first 41 pixels (odd, so padded), runs for the rest.
            out += b"\0" + bytes([41]) + row[:41].astype(np.uint8).tobytes() + b"\0"
            row = row[41:]
        for length, value in run_lengths(row):
            out += bytes([length, value])
        out += b"\0\0"
    return out + b"\0\1"


def rle4(index: np.ndarray) -> bytes:
    out = b""
    for row in index[::-1]:
        for length, value in run_lengths(row):
            out += bytes([length, value << 4 | value])
        out += b"\0\0"
    return out + b"\0\1"


def rle8_with_jumps(index: np.ndarray) -> bytes:
    """Leaves gaps by delta codes and short rows: a decoder fills them with colour 0."""
    out = b""
    for number, row in enumerate(index[::-1]):
        if number % 5 == 4:
            out += b"\0\0"
            continue
        for length, value in run_lengths(row[:30]):
            out += bytes([length, value])
        out += bytes([0, 2, 7, 0])
        for length, value in run_lengths(row[37:60]):
            out += bytes([length, value])
        out += b"\0\0"
    return out + b"\0\1"


def packed16(red: int, green: int, blue: int) -> np.ndarray:
    r, g, b = (RGB[..., i].astype(np.uint16) >> (8 - bits) for i, bits in enumerate((red, green, blue)))
    return (r << (green + blue) | g << blue | b).astype("<u2")


def make_bmps() -> None:
    bgr = RGB[..., ::-1]
    bgra = np.dstack([bgr, ALPHA])
    index4, colours4 = quantised(16)
    index1, colours1 = quantised(2)
    index2, colours2 = quantised(4)
    bmp("bmp-24.bmp", bmp_rows(bgr, 24), 24)
    bmp("bmp-24-top-down.bmp", bmp_rows(bgr, 24, bottom_up=False), 24, height=-HEIGHT)
    bmp("bmp-24-os2.bmp", bmp_rows(bgr, 24), 24, header=12)
    bmp("bmp-8-os2.bmp", bmp_rows(INDEX8, 8), 8, COLOURS, header=12, entry=3)
    bmp("bmp-8.bmp", bmp_rows(INDEX8, 8), 8, COLOURS)
    bmp("bmp-8-top-down.bmp", bmp_rows(INDEX8, 8, bottom_up=False), 8, COLOURS, height=-HEIGHT)
    bmp("bmp-8-grey.bmp", bmp_rows(GREY, 8), 8, np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))
    bmp("bmp-8-few-colours.bmp", bmp_rows(index4, 8), 8, colours4)
    bmp("bmp-8-rle.bmp", rle8(INDEX8), 8, COLOURS, compression=1)
    bmp("bmp-8-rle-absolute.bmp", rle8(INDEX8, absolute=True), 8, COLOURS, compression=1)
    bmp("bmp-8-rle-jumps.bmp", rle8_with_jumps(INDEX8), 8, COLOURS, compression=1)
    bmp("bmp-4.bmp", bmp_rows(index4, 4), 4, colours4)
    bmp("bmp-4-rle.bmp", rle4(index4), 4, colours4, compression=2)
    bmp("bmp-2.bmp", bmp_rows(index2, 2), 2, colours2)
    bmp("bmp-1.bmp", bmp_rows(index1, 1), 1, colours1)
    bmp("bmp-16-555.bmp", bmp_rows(packed16(5, 5, 5), 16), 16)
    masks565 = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    masks555 = struct.pack("<III", 0x7C00, 0x03E0, 0x001F)
    masks444 = struct.pack("<III", 0x0F00, 0x00F0, 0x000F)
    bmp("bmp-16-565.bmp", bmp_rows(packed16(5, 6, 5), 16), 16, compression=3, masks=masks565)
    bmp("bmp-16-555-bitfields.bmp", bmp_rows(packed16(5, 5, 5), 16), 16, compression=3, masks=masks555)
    bmp("bmp-16-444-bitfields.bmp", bmp_rows(packed16(4, 4, 4), 16), 16, compression=3, masks=masks444)
    bmp("bmp-32.bmp", bmp_rows(bgra, 32), 32)
    bmp("bmp-32-v5.bmp", bmp_rows(bgra, 32), 32, header=124)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    bmp("bmp-32-bitfields-v4.bmp", bmp_rows(bgra, 32), 32, compression=3, masks=masks, header=108)
    swapped = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    bmp("bmp-32-bitfields-rgba.bmp", bmp_rows(RGBA, 32), 32, compression=3, masks=swapped, header=108)


def main() -> None:
    make_jpegs()
    make_pngs()
    make_tiffs()
    make_webps()
    make_bmps()


if __name__ == "__main__":
    main()
