#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers of several inputs: a, b, c."""
from functools import reduce

import torch

from golden import Topic

t = Topic("layers_merging")
d = t.draw
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/merging_layers"
LETTERS = "abc"

merges = {
    "Add": lambda *v: sum(v),
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda *v: reduce(torch.mul, v),
    "Average": lambda *v: sum(v) / len(v),
    "Maximum": lambda *v: reduce(torch.maximum, v),
    "Minimum": lambda *v: reduce(torch.minimum, v),
}
for name, f in merges.items():
    for count, shape in [(2, (3, 4)), (3, (2, 2, 3)), (2, (1, 1))]:
        if name == "Subtract" and count == 3:
            continue
        values = d.distinct(count, *shape)
        t.layer("%s_%d_%s" % (name, count, "x".join(map(str, shape))), SOURCE, {"layer": name},
                lambda **v: f(*v.values()), {LETTERS[i]: values[i].clone() for i in range(count)})
    values = d.distinct(16)
    t.layer(name + "_broadcast", SOURCE, {"layer": name}, lambda a, b: f(a, b),
            {"a": values[:12].reshape(2, 3, 2), "b": values[12:].reshape(2, 1, 2)})
for axis, shapes in [(-1, [(2, 3), (2, 1)]), (1, [(2, 1, 3), (2, 2, 3), (2, 1, 3)]), (-1, [(1, 2, 2, 1), (1, 2, 2, 3)]), (2, [(2, 2, 1, 2), (2, 2, 2, 2)])]:
    t.layer("Concatenate_%d_%s" % (axis, "_".join("x".join(map(str, s)) for s in shapes)), SOURCE, {"layer": "Concatenate", "axis": axis},
            lambda **v: torch.cat(list(v.values()), axis), {LETTERS[i]: d.normal(*s) for i, s in enumerate(shapes)})


def unit(v, axis):
    return v / torch.sqrt((v * v).sum(axis, keepdim=True))


def dot(a, b, axes, normalize):
    """Sums over a's and b's axis, sample by sample; the rest of a comes before the rest of b."""
    i, j = (axes, axes) if isinstance(axes, int) else axes
    i, j = i % a.dim(), j % b.dim()
    if normalize:
        a, b = unit(a, i), unit(b, j)
    y = torch.stack([torch.tensordot(a[n], b[n], ([i - 1], [j - 1])) for n in range(len(a))])
    return y[:, None] if y.dim() == 1 else y


for sa, sb, axes, normalize in [
    ((2, 3), (2, 3), 1, False), ((2, 3), (2, 3), -1, True), ((2, 3, 4), (2, 5, 4), 2, False), ((2, 3, 4), (2, 2, 3), (1, 2), False),
    ((2, 3, 4), (2, 4), (2, 1), False), ((1, 2, 3), (1, 4, 3), -1, True), ((2, 4), (2, 3, 4), (1, 2), False),
    ((2, 3, 2, 4), (2, 4, 3), (3, 1), False), ((1, 3, 4, 2), (1, 2, 4, 3), 2, True), ((2, 3, 2), (2, 4, 2, 2, 1), (2, 3), False),
]:
    t.layer("Dot_%s_%s_axes_%s%s" % ("x".join(map(str, sa)), "x".join(map(str, sb)), axes if isinstance(axes, int) else "%d_%d" % axes, "_normalize" * normalize),
            SOURCE, {"layer": "Dot", "axes": axes, "normalize": normalize}, lambda a, b: dot(a, b, axes, normalize), {"a": d.normal(*sa), "b": d.normal(*sb)})
t.save()
