"""Draws car.jpg, the image of the vehicle example: a made-up saloon from the side. Needs Debian's python3-opencv."""

import cv2
import numpy as np

SCALE = 3
WIDTH, HEIGHT = 768, 432
rng = np.random.default_rng(11)


def points(*pairs):
    return (np.float32(pairs) * SCALE).astype(np.int32)


def curve(*pairs, smoothness=24):
    """A closed outline through the given points: Catmull-Rom splines."""
    knots = np.float32(pairs)
    outline = []
    for index in range(len(knots)):
        a, b, c, d = (knots[(index + offset) % len(knots)] for offset in (-1, 0, 1, 2))
        for t in np.linspace(0, 1, smoothness, endpoint=False):
            outline.append(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            )
    return (np.float32(outline) * SCALE).astype(np.int32)


def paint(image, outline, colours):
    """Fills an outline with colours (B, G, R) from top to bottom."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA)
    top, bottom = outline[:, 1].min(), outline[:, 1].max()
    place = np.clip((np.arange(image.shape[0]) - top) / max(1, bottom - top), 0, 1)
    stops = np.linspace(0, 1, len(colours))
    ramp = np.stack([np.interp(place, stops, np.float32(colours)[:, channel]) for channel in range(3)], 1)
    alpha = (mask / 255.0)[..., None]
    image[:] = image * (1 - alpha) + ramp[:, None, :] * alpha


def wheel(image, x, y, radius):
    center = (int(x * SCALE), int(y * SCALE))
    cv2.circle(image, center, int(radius * SCALE), (24, 24, 26), -1, cv2.LINE_AA)
    cv2.circle(image, center, int(radius * 0.72 * SCALE), (150, 152, 155), -1, cv2.LINE_AA)
    cv2.circle(image, center, int(radius * 0.66 * SCALE), (62, 62, 66), -1, cv2.LINE_AA)
    for spoke in range(10):
        angle = spoke * np.pi / 5
        end = (int(center[0] + np.cos(angle) * radius * 0.68 * SCALE), int(center[1] + np.sin(angle) * radius * 0.68 * SCALE))
        cv2.line(image, center, end, (190, 192, 196), int(radius * 0.11 * SCALE), cv2.LINE_AA)
    cv2.circle(image, center, int(radius * 0.16 * SCALE), (120, 122, 126), -1, cv2.LINE_AA)


image = np.zeros((HEIGHT * SCALE, WIDTH * SCALE, 3), np.float32)
paint(image, points((0, 0), (WIDTH, 0), (WIDTH, 250), (0, 250)), [(226, 190, 150), (236, 226, 214)])
trees = 205 + 26 * np.sin(np.linspace(0, 19, WIDTH)) + rng.normal(0, 7, WIDTH).cumsum() * 0.25
hedge = np.concatenate([np.stack([np.arange(WIDTH), trees], 1), [(WIDTH, 280), (0, 280)]])
paint(image, points(*hedge), [(70, 120, 84), (44, 74, 52)])
paint(image, points((0, 268), (WIDTH, 268), (WIDTH, HEIGHT), (0, HEIGHT)), [(128, 128, 130), (92, 92, 95)])
image = cv2.GaussianBlur(image, (0, 0), 5 * SCALE)
image += rng.normal(0, 7, image.shape[:2])[..., None].astype(np.float32)

shadow = np.zeros(image.shape[:2], np.float32)
cv2.ellipse(shadow, (384 * SCALE, 347 * SCALE), (300 * SCALE, 15 * SCALE), 0, 0, 360, 1.0, -1)
image *= 1 - 0.75 * cv2.GaussianBlur(shadow, (0, 0), 6 * SCALE)[..., None]

body = curve((98, 300), (92, 262), (112, 238), (190, 222), (252, 208), (312, 160), (380, 146), (462, 148), (540, 184),
             (584, 212), (650, 218), (676, 236), (680, 280), (672, 316), (600, 328), (384, 332), (170, 328), (112, 320))
paint(image, body, [(150, 96, 60), (196, 128, 74), (150, 82, 40), (88, 44, 20), (60, 30, 14)])
paint(image, points((112, 316), (672, 316), (640, 334), (140, 334)), [(30, 30, 32), (18, 18, 20)])
glass = curve((268, 208), (318, 168), (378, 156), (456, 158), (518, 186), (546, 210), (400, 214))
paint(image, glass, [(120, 104, 92), (70, 58, 50), (48, 40, 36)])
for x, lean in ((392, 2), (470, 8)):
    paint(image, points((x, 154), (x + 9, 154), (x + 9 + lean, 214), (x + lean, 214)), [(60, 38, 24), (40, 24, 14)])
for left in (286, 398, 482):
    cv2.polylines(image, [points((left, 214), (left - 4, 290), (left + 2, 318))], False, (70, 36, 16), SCALE, cv2.LINE_AA)
for left in (350, 440):
    paint(image, points((left, 232), (left + 24, 231), (left + 24, 236), (left, 237)), [(200, 190, 184), (120, 112, 108)])
cv2.polylines(image, [points((112, 246), (250, 232), (420, 228), (600, 230), (674, 246))], False, (226, 170, 120), SCALE, cv2.LINE_AA)
paint(image, curve((100, 252), (116, 242), (150, 240), (146, 256), (112, 264)), [(245, 240, 236), (190, 186, 180)])
paint(image, curve((640, 234), (672, 238), (678, 256), (652, 254)), [(60, 50, 220), (30, 22, 140)])
paint(image, points((94, 284), (132, 286), (130, 304), (98, 302)), [(40, 40, 42), (24, 24, 26)])
paint(image, curve((262, 206), (282, 200), (286, 214), (266, 216)), [(150, 92, 54), (96, 50, 24)])
for x in (188, 580):
    cv2.circle(image, (x * SCALE, 316 * SCALE), 47 * SCALE, (14, 12, 12), -1, cv2.LINE_AA)
    wheel(image, x, 318, 41)

image = cv2.resize(np.clip(image, 0, 255), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
image += rng.normal(0, 2.5, image.shape)
cv2.imwrite("car.jpg", np.clip(image, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])
