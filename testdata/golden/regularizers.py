#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Regularizers: want.loss and dw = d loss / dw (the derivative of |0| is 0).
Constraints: want.w after. Keras 3 adds an activity regularizer's loss as it is,
without dividing by the batch size (Keras 2 divided).
"""
import torch

from golden import Draw, Topic

t = Topic("regularizers")
d, more = t.draw, Draw("orthogonal")
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/regularizers"
CONSTRAINT = "formula of keras.io/api/layers/constraints on torch float64, epsilon 1e-7 added to the norm"

for shape in [(3, 2), (1,), (2, 2, 1, 3)]:
    for name, args, f in [
        ("L1", {"l1": 0.25}, lambda w: 0.25 * w.abs().sum()),
        ("L2", {"l2": 0.125}, lambda w: 0.125 * (w * w).sum()),
        ("L1L2", {"l1": 0.01, "l2": 0.02}, lambda w: 0.01 * w.abs().sum() + 0.02 * (w * w).sum()),
    ]:
        w = d.normal(*shape)
        w.view(-1)[0] = 0
        leaf = w.clone().requires_grad_(True)
        loss = f(leaf)
        grad, = torch.autograd.grad(loss, leaf)
        t.add("%s_%s" % (name, "x".join(map(str, shape))), SOURCE, dict(args, regularizer=name), {"w": w}, {"loss": loss, "dw": grad})

# Appended with inputs of their own, so that those of the others stay.
for mode in ("rows", "columns"):
    for shape in [(3, 4), (4, 2), (2, 2)]:
        w = more.normal(*shape)
        leaf = w.clone().requires_grad_(True)
        v = leaf if mode == "rows" else leaf.T
        v = v / torch.sqrt((v * v).sum(1, keepdim=True))
        pairs = (v @ v.T)[~torch.eye(len(v), dtype=bool)]
        loss = 0.25 * 0.5 * pairs.abs().sum() / (len(v) * (len(v) - 1) / 2)
        grad, = torch.autograd.grad(loss, leaf)
        t.add("Orthogonal_%s_%s" % (mode, "x".join(map(str, shape))), SOURCE,
              {"regularizer": "OrthogonalRegularizer", "factor": 0.25, "mode": mode}, {"w": w}, {"loss": loss, "dw": grad})


def norms(w, axis):
    return torch.sqrt((w * w).sum(axis, keepdim=True))


for axis, shape in [(0, (4, 3)), (1, (2, 5)), ([0, 1, 2], (2, 2, 2, 3))]:
    label = "x".join(map(str, shape))
    for top in (2.0, 0.5):
        w = d.normal(*shape, scale=1.5)
        n = norms(w, axis)
        t.add("MaxNorm_%s_%s" % (top, label), CONSTRAINT, {"constraint": "MaxNorm", "max_value": top, "axis": axis}, {"w": w}, {"w": w * n.clamp(0, top) / (1e-7 + n)})
    w = d.normal(*shape)
    t.add("UnitNorm_" + label, CONSTRAINT, {"constraint": "UnitNorm", "axis": axis}, {"w": w}, {"w": w / (1e-7 + norms(w, axis))})
    n = norms(w, axis)
    for rate in (1.0, 0.5):
        t.add("MinMaxNorm_%s_%s" % (rate, label), CONSTRAINT, {"constraint": "MinMaxNorm", "min_value": 0.75, "max_value": 1.5, "rate": rate, "axis": axis},
              {"w": w}, {"w": w * (rate * n.clamp(0.75, 1.5) + (1 - rate) * n) / (1e-7 + n)})
    t.add("NonNeg_" + label, CONSTRAINT, {"constraint": "NonNeg"}, {"w": w}, {"w": w.clamp(min=0)})
t.add("MaxNorm_zero", CONSTRAINT, {"constraint": "MaxNorm", "max_value": 1.0, "axis": 0}, {"w": torch.zeros(2, 2)}, {"w": torch.zeros(2, 2)})
t.save()
