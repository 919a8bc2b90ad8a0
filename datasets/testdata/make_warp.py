# Writes warped.json: pictures turned and moved by scipy 1.10's affine_transform with
# order 1, which Keras's apply_affine_transform calls. The picture is the formula of
# make_images.py.
import json
import math

import numpy as np
from scipy import ndimage


def pattern(h, w):
    y, x, k = np.mgrid[0:h, 0:w, 0:3]
    return ((x * 7 + y * 13 + k * 29 + x * y * (k + 1)) % 256).astype(np.float64)


def matrix(theta, ty, tx, shear, zy, zx, h, w):
    """New (row, column) to old, about the middle."""
    r = np.array([[math.cos(theta), -math.sin(theta), 0], [math.sin(theta), math.cos(theta), 0], [0, 0, 1]])
    t = np.array([[1, 0, ty], [0, 1, tx], [0, 0, 1]])
    s = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
    z = np.array([[zy, 0, 0], [0, zx, 0], [0, 0, 1]])
    to = np.array([[1, 0, h / 2 - 0.5], [0, 1, w / 2 - 0.5], [0, 0, 1]])
    back = np.array([[1, 0, -h / 2 + 0.5], [0, 1, -w / 2 + 0.5], [0, 0, 1]])
    return to @ r @ t @ s @ z @ back


warped = []
for h, w, change, fx, fy in (
    (12, 9, (0, 0, 0, 0, 1, 1), True, False),
    (12, 9, (0.5, 2.3, -1.7, 0.1, 0.9, 1.2), False, False),
    (12, 9, (-0.4, -3.1, 2.2, -0.3, 1.15, 0.8), True, True),
    (5, 4, (0, 0, 0.5, 0, 1, 1), False, False),
    (5, 4, (0, -0.5, -0.25, 0, 1, 1), False, False),
    (5, 4, (0, 21.75, -33.5, 0, 1, 1), False, False),
    (5, 4, (0, 8, -6, 0, 1, 1), False, False),
    (3, 4, (1.1, 40.3, 17.2, 0.5, 1.9, 0.2), False, True),
    (2, 2, (0.3, 1.2, 0.6, 0, 1, 1), False, False),
    (1, 5, (0, 0.3, 1.2, 0, 1, 1), False, False),
    (4, 1, (0.2, 0.3, 1.7, 0, 1, 1), False, False),
):
    m = matrix(*change, h, w)
    for mode in ("nearest", "reflect", "wrap", "constant"):
        img = pattern(h, w)
        out = np.stack([ndimage.affine_transform(img[..., k], m[:2, :2], m[:2, 2], order=1, mode=mode, cval=77) for k in range(3)], -1)
        if fx:
            out = out[:, ::-1]
        if fy:
            out = out[::-1]
        warped.append({"size": [h, w], "change": list(change), "flips": [fx, fy], "fill": mode, "values": [round(float(v), 4) for v in out.ravel()]})

with open("warped.json", "w") as f:
    json.dump(warped, f)
    f.write("\n")
