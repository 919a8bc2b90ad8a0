# SPDX-License-Identifier: Apache-2.0
"""Activations of VGG16 with weights made by a formula, computed by PyTorch.

    python3 vgg16.py > vgg16.json

Written with PyTorch 1.13 and numpy 1.24.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

from numbers_of import noise, numbers

torch.set_num_threads(2)
BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
made = 0


def formula(shape):
    """The n-th array of the network: a hash (murmur3's last steps) of each place, scaled
    to -s .. s with s = sqrt(6 / inputs of a unit), for a bias to 0 .. 0.1."""
    global made
    made += 1
    h = np.arange(int(np.prod(shape)), dtype=np.uint32) ^ np.uint32((made * 0x9E3779B9) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    u = h.astype(np.float64) / 2**32
    w = 0.1 * u if len(shape) == 1 else (2 * u - 1) * np.sqrt(6 / np.prod(shape[:-1]))
    return torch.tensor(w.astype(np.float32).reshape(shape))


def network(h, w, top):
    """Kernels are (height, width, in, out) as in Keras; flattening is channels last."""
    global made
    made = 0
    bgr = noise(h, w)[:, :, ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)
    bgr *= np.float32(0.01)  # keeps the classes from being all or nothing
    x = torch.tensor(bgr.transpose(2, 0, 1)[None].copy())
    out = {}

    def keep(name, x):
        out[name] = numbers(x[0].permute(1, 2, 0).numpy() if x.ndim == 4 else x[0].numpy())

    for i, (n, filters) in enumerate(BLOCKS):
        for _ in range(n):
            kernel, bias = formula((3, 3, x.shape[1], filters)), formula((filters,))
            x = F.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1))
        x = F.max_pool2d(x, 2)
        keep("block%d_pool" % (i + 1), x)
    if top:
        x = x.permute(0, 2, 3, 1).reshape(1, -1)
        for name, units in (("fc1", 4096), ("fc2", 4096), ("predictions", 1000)):
            kernel, bias = formula((x.shape[1], units)), formula((units,))
            x = x @ kernel + bias
            x = F.softmax(x, 1) if name == "predictions" else F.relu(x)
            keep(name, x)
    return {"height": h, "width": w, "top": top, "blocks": out}


with torch.no_grad():
    result = [network(32, 63, True), network(70, 97, False)]
print(json.dumps(result, separators=(",", ":")).replace('"shape":', '\n"shape":'))
