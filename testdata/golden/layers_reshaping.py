#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers that move values: reshape, permute, repeat, pad, crop, upsample."""
import torch
import torch.nn.functional as F

from golden import Topic

t = Topic("layers_reshaping")
d = t.draw
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/reshaping_layers"


def add(label, args, f, x, check=None):
    t.layer(label, SOURCE, args, f, {"x": x}, check=check)


for shape in [(2, 3, 4), (1, 2, 2, 3), (3, 5)]:
    add("Flatten_%s" % "x".join(map(str, shape)), {"layer": "Flatten"}, lambda x: x.reshape(shape[0], -1), d.normal(*shape))
for target in [(6, 2), (3, 2, 2), (-1, 3), (12,)]:
    add("Reshape_%s" % "x".join(map(str, target)), {"layer": "Reshape", "target_shape": target}, lambda x: x.reshape(2, *target), d.normal(2, 3, 4))
add("Permute_2_1", {"layer": "Permute", "dims": [2, 1]}, lambda x: x.transpose(1, 2), d.normal(2, 3, 4))
add("Permute_3_1_2", {"layer": "Permute", "dims": [3, 1, 2]}, lambda x: x.permute(0, 3, 1, 2), d.normal(2, 2, 3, 4))
for n in (1, 3):
    add("RepeatVector_%d" % n, {"layer": "RepeatVector", "n": n}, lambda x: x[:, None].repeat(1, n, 1), d.normal(2, 3))
add("ZeroPadding1D_1", {"layer": "ZeroPadding1D", "padding": [1, 1]}, lambda x: F.pad(x, (0, 0, 1, 1)), d.normal(2, 3, 2))
add("ZeroPadding1D_0_2", {"layer": "ZeroPadding1D", "padding": [0, 2]}, lambda x: F.pad(x, (0, 0, 0, 2)), d.normal(1, 2, 2))
add("ZeroPadding2D_1", {"layer": "ZeroPadding2D", "padding": [[1, 1], [1, 1]]}, lambda x: F.pad(x, (0, 0, 1, 1, 1, 1)), d.normal(2, 2, 3, 2))
add("ZeroPadding2D_odd", {"layer": "ZeroPadding2D", "padding": [[1, 0], [2, 3]]}, lambda x: F.pad(x, (0, 0, 2, 3, 1, 0)), d.normal(1, 2, 3, 1))
add("Cropping1D_1_1", {"layer": "Cropping1D", "cropping": [1, 1]}, lambda x: x[:, 1:-1], d.normal(2, 5, 2))
add("Cropping1D_0_2", {"layer": "Cropping1D", "cropping": [0, 2]}, lambda x: x[:, :-2], d.normal(1, 3, 2))
add("Cropping2D_1", {"layer": "Cropping2D", "cropping": [[1, 1], [1, 1]]}, lambda x: x[:, 1:-1, 1:-1], d.normal(2, 4, 3, 2))
add("Cropping2D_odd", {"layer": "Cropping2D", "cropping": [[1, 0], [2, 1]]}, lambda x: x[:, 1:, 2:-1], d.normal(1, 3, 5, 2))
add("UpSampling1D_2", {"layer": "UpSampling1D", "size": 2}, lambda x: x.repeat_interleave(2, 1), d.normal(2, 3, 2))
for size in [(2, 2), (1, 3)]:
    x = d.normal(2, 2, 3, 2)
    label = "UpSampling2D_%dx%d_" % size
    add(label + "nearest", {"layer": "UpSampling2D", "size": size, "interpolation": "nearest"},
        lambda x: x.repeat_interleave(size[0], 1).repeat_interleave(size[1], 2), x,
        F.interpolate(x.permute(0, 3, 1, 2), scale_factor=size, mode="nearest").permute(0, 2, 3, 1))
    # Half-pixel centers, edge values repeated, as TensorFlow's resize.
    add(label + "bilinear", {"layer": "UpSampling2D", "size": size, "interpolation": "bilinear"},
        lambda x: F.interpolate(x.permute(0, 3, 1, 2), scale_factor=size, mode="bilinear", align_corners=False).permute(0, 2, 3, 1), x)
t.save()
