# SPDX-License-Identifier: Apache-2.0
"""Activations of SqueezeNet 1.1, computed by PyTorch from the weights beside the package.

    python3 squeezenet.py CHELSEA.png [ELEPHANT.jpg] > squeezenet.json

CHELSEA.png is scikit-image's chelsea.png; it is resized by PIL and written to
chelsea227.png, which the test reads, so that both sides see the same pixels. Of the
elephant (Chollet, Deep Learning with Python, section 5.4) only the classes are noted.
Written with PyTorch 1.13, numpy 1.24 and PIL 9.4.
"""
import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from numbers_of import noise, numbers

torch.set_num_threads(1)


def read(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            a = np.frombuffer(data[begin:end], "<f2").astype(np.float32).reshape(t["shape"])
            out[name] = torch.tensor(a.transpose(3, 2, 0, 1).copy() if a.ndim == 4 else a)
    return out


W = read("../squeezenet/squeezenet1.1.safetensors")


def conv(name, x, **kw):
    return F.relu(F.conv2d(x, W[name + "/kernel"], W[name + "/bias"], **kw))


def network(rgb):
    """rgb is (height, width, 3), 0 to 255. Returns every block, channels last."""
    bgr = rgb[:, :, ::-1].astype(np.float32) - np.array([104, 117, 123], np.float32)
    x = torch.tensor(bgr.transpose(2, 0, 1)[None].copy())
    out = {}

    def keep(name, x):
        out[name] = x[0].permute(1, 2, 0).numpy() if x.ndim == 4 else x[0].numpy()
        return x

    def pool(name, x):
        return keep(name, F.max_pool2d(x, 3, 2, ceil_mode=True))

    def fire(name, x):
        s = conv(name + "/squeeze1x1", x)
        a = conv(name + "/expand1x1", s)
        b = conv(name + "/expand3x3", s, padding=1)
        return keep(name, torch.cat([a, b], 1))

    x = keep("conv1", conv("conv1", x, stride=2))
    x = pool("pool1", x)
    x = pool("pool3", fire("fire3", fire("fire2", x)))
    x = pool("pool5", fire("fire5", fire("fire4", x)))
    x = fire("fire9", fire("fire8", fire("fire7", fire("fire6", x))))
    x = keep("conv10", conv("conv10", x))
    x = keep("pool10", x.mean((2, 3)))
    keep("prob", F.softmax(x, 1))
    return out


def picture(path):
    return np.asarray(Image.open(path).convert("RGB").resize((227, 227), Image.BILINEAR))


def top(prob):
    return [[int(i), float("%.6g" % prob[i])] for i in np.argsort(-prob)[:5]]


with torch.no_grad():
    photo = picture(sys.argv[1])
    Image.fromarray(photo).save("chelsea227.png", optimize=True)
    blocks = network(photo)
    result = {"chelsea": top(blocks["prob"]), "blocks": {n: numbers(a) for n, a in blocks.items()}, "sizes": []}
    if len(sys.argv) > 2:
        result["elephant"] = top(network(picture(sys.argv[2]))["prob"])
    # Odd and even heights and widths at each of the three poolings.
    for h, w in [(17, 17), (32, 33), (64, 97), (75, 96), (79, 80), (131, 66), (150, 150)]:
        a = network(noise(h, w))
        result["sizes"].append({
            "height": h, "width": w,
            "shapes": {n: list(a[n].shape) for n in ["pool1", "pool3", "pool5"]},
            "fire9": numbers(a["fire9"]), "prob": numbers(a["prob"]),
        })
print(json.dumps(result, indent=None, separators=(",", ":")).replace('{"height', '\n{"height').replace('"shape":', '\n"shape":'))
