# Writes images.json: pictures resized by PIL 9.4. The picture is a formula, so that the
# test can make it again.
import base64
import json

import numpy as np
from PIL import Image


def pattern(h, w):
    y, x, k = np.mgrid[0:h, 0:w, 0:3]
    return ((x * 7 + y * 13 + k * 29 + x * y * (k + 1)) % 256).astype(np.uint8)


resized = []
for h, w in ((23, 37), (50, 41)):
    for oh, ow in ((10, 17), (64, 50), (23, 60), (7, 37), (1, 1)):
        for name, f in (("nearest", Image.NEAREST), ("bilinear", Image.BILINEAR), ("catmullrom", Image.BICUBIC)):
            out = np.asarray(Image.fromarray(pattern(h, w)).resize((ow, oh), f))
            resized.append({"from": [h, w], "to": [oh, ow], "filter": name, "rgb": base64.b64encode(out.tobytes()).decode()})


with open("images.json", "w") as f:
    json.dump({"resized": resized}, f)
    f.write("\n")
