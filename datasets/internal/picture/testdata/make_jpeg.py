# Writes jpeg.json: small JPEG files of every ratio of color samples to pixels, and
# their pixels as PIL 9.4 (libjpeg-turbo 2.1) decodes them. The pictures are smooth waves
# of color with an edge, so that the chroma of neighboring pixels differs.
import base64
import io
import json

import numpy as np
from PIL import Image


def waves(h, w):
    y, x, k = np.mgrid[0:h, 0:w, 0:3]
    v = 128 + 100 * np.sin(x * 0.5 + k * 2.1) * np.cos(y * 0.4 - k)
    v[:, w // 2 :, 0] = 255 - v[:, w // 2 :, 0]
    return v.round().astype(np.uint8)


files = []
for name, ratio in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
    for h, w in ((16, 16), (21, 35), (40, 23)):
        b = io.BytesIO()
        Image.fromarray(waves(h, w)).save(b, "JPEG", quality=95, subsampling=ratio)
        seen = np.asarray(Image.open(io.BytesIO(b.getvalue())).convert("RGB"))
        files.append({"ratio": name, "height": h, "width": w, "file": base64.b64encode(b.getvalue()).decode(), "rgb": base64.b64encode(seen.tobytes()).decode()})

with open("jpeg.json", "w") as f:
    f.write("[" + ",\n".join(json.dumps(x) for x in files) + "]\n")
