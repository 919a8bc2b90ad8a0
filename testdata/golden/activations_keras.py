#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Activations with their arguments by Keras itself (3.15.1, torch backend) in float64: y and dx, with
mask of the second input of Softmax. x has no batch; kinks are avoided.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 activations_keras.py
"""
import keras
import torch
from keras import activations, layers

from golden import Topic

t = Topic("activations_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
x = d.distinct(5, 8) / 4 + 1 / 512
rows = d.normal(3, 4, 6)


def add(activation, f, x=x, label="", inputs=None, **args):
    t.layer("_".join(filter(None, [activation] + ["%s_%s" % i for i in args.items()] + [label])).replace(" ", ""), SOURCE,
            dict(args, activation=activation), f, dict({"x": x}, **(inputs or {})), fixed=tuple(inputs or {}))


A = activations


def sparsemax(x, axis=-1):
    """By its paper (Martins & Astudillo 2016): Keras 3.15 sums the cumulated sums, so that rows do not sum to 1."""
    z, _ = torch.sort(x, axis, descending=True)
    n = torch.arange(1, x.shape[axis] + 1).reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    sums = z.cumsum(axis)
    k = (1 + n * z > sums).sum(axis, keepdim=True)
    return (x - (sums.gather(axis, k - 1) - 1) / k).clamp(min=0)


for name, f in [("celu", A.celu), ("hard_tanh", A.hard_tanh), ("tanh_shrink", A.tanh_shrink), ("soft_shrink", A.soft_shrink),
                ("hard_shrink", A.hard_shrink), ("sparse_plus", A.sparse_plus), ("sparse_sigmoid", A.sparse_sigmoid), ("squareplus", A.squareplus)]:
    add(name, f)
add("threshold", lambda x: A.threshold(x, 0.0, 0.0))
add("threshold", lambda x: A.threshold(x, -0.5, 2.0), threshold=-0.5, value=2.0)
add("celu", lambda x: A.celu(x, 0.5), alpha=0.5)
add("squareplus", lambda x: A.squareplus(x, 1.5), alpha=1.5)
add("elu", lambda x: A.elu(x, 0.25), alpha=0.25)
add("soft_shrink", lambda x: A.soft_shrink(x, 0.25), threshold=0.25)
add("hard_shrink", lambda x: A.hard_shrink(x, 0.75), threshold=0.75)
add("gelu", lambda x: A.gelu(x, approximate=True), approximate=True)
for args in [{"negative_slope": 0.25}, {"max_value": 0.75}, {"threshold": 0.5}, {"negative_slope": 0.25, "max_value": 1.0, "threshold": 0.25},
             {"max_value": 6.0}, {"negative_slope": 0.125, "threshold": 0.5}]:
    add("relu", lambda x: A.relu(x, **args), **args)
for axis in (-1, 1, 2):
    add("softmax", lambda x: layers.Softmax(axis=axis, dtype="float64")(x), rows[None], axis=[axis])
    add("log_softmax", lambda x: A.log_softmax(x, axis), rows[None], axis=[axis])
    add("sparsemax", lambda x: sparsemax(x, axis), rows[None] * 1.0, axis=[axis])
    add("glu", lambda x: A.glu(x, axis), d.normal(1, 2, 4, 6), axis=[axis])
add("sparsemax", sparsemax, rows / 8, label="many")
add("sparsemax", sparsemax, rows * 8, label="few")
add("glu", A.glu, rows)
add("softmax", lambda x: layers.Softmax(axis=(1, 3), dtype="float64")(x), rows[None], axis=[1, 3])
mask = torch.tensor([[1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 0, 0.0]]).double()
soft = layers.Softmax(dtype="float64")
add("softmax", lambda x, mask: soft(x, mask), rows, label="mask", inputs={"mask": mask.expand(3, 4, 6)}, masked=True)
add("softmax", lambda x, mask: soft(x, mask), rows, label="mask_of_rows", inputs={"mask": mask.expand(3, 4, 6)[:, :1].clone()}, masked=True)
t.save()
