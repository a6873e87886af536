"""Draws mountains.jpg, the image of the README's first example. Needs Debian's python3-opencv."""

import cv2
import numpy as np

WIDTH, HEIGHT = 768, 512
rng = np.random.default_rng(7)


def noise(octaves, height=HEIGHT, width=WIDTH, first=2):
    """Fractal noise in [0, 1]: each octave has twice the detail and half the height."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = first * 2**octave
        grid = rng.random((cells * height // width + 2, cells + 2), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    return (total - total.min()) / (total.max() - total.min())


rows = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
sky = (1 - rows) * np.float32([200, 140, 70]) + rows * np.float32([225, 215, 205])
clouds = np.clip(noise(7, first=3) * 2.2 - 1.1, 0, 1)[..., None]
image = sky * (1 - clouds) + 245 * clouds

y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
for layer, (base, relief, colour) in enumerate(
    [(250, 170, (165, 145, 130)), (330, 130, (110, 105, 85)), (420, 90, (45, 85, 55))]
):
    ridge = base - relief * (noise(8, height=8, first=3 + layer)[0] - 0.35)
    heights = noise(9, first=4 + layer) * (HEIGHT - ridge)[None, :]
    light = cv2.Sobel(heights, cv2.CV_32F, 1, 0, ksize=3) - cv2.Sobel(heights, cv2.CV_32F, 0, 1, ksize=3)
    shade = np.clip(0.85 + 0.035 * light, 0.35, 1.7)[..., None]
    rock = np.float32(colour) * shade
    snow = np.clip((ridge[None, :] + 55 - y) / 25 + noise(6) - 0.5, 0, 1)[..., None] if layer == 0 else 0
    rock = rock * (1 - snow) + 235 * np.clip(shade, 0.7, 1.05) * snow
    image = np.where((y > ridge[None, :])[..., None], rock, image)

for _ in range(260):
    foot_x, foot_y = rng.integers(0, WIDTH), rng.integers(430, HEIGHT + 20)
    size = int((foot_y - 380) * rng.uniform(0.35, 0.6))
    green = np.float32([30, 60, 32]) * rng.uniform(0.5, 1.4)
    for level in range(4):
        top = foot_y - size + level * size // 5
        half = size * (level + 2) // 14
        bottom = top + size // 3
        triangle = np.int32([[foot_x, top], [foot_x - half, bottom], [foot_x + half, bottom]])
        cv2.fillPoly(image, [triangle], (green * (1 + 0.12 * level)).tolist(), cv2.LINE_AA)

cv2.imwrite("mountains.jpg", np.clip(image, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
