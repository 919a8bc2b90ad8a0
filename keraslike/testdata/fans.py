#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fans of TestFansOfSeveralAxes, by Keras 3.15: what its initializers get for each kernel."""
import keras
from keras import layers as L
from keras.src.initializers import random_initializers as r

found = []
own = r.compute_fans


def compute_fans(shape, **axes):
    found.append(own(shape, **axes))
    return found[-1]


r.compute_fans = compute_fans
x = keras.Input((6, 40))
for layer in (
    L.EinsumDense("abc,cde->abde", (None, 8, 20)),
    L.EinsumDense("abc,bcd->abd", (6, 50)),
    L.EinsumDense("abc,bcd->ad", 50),
    L.MultiHeadAttention(4, 15, value_dim=12, output_shape=50),
    L.GroupQueryAttention(15, 4, 2),
):
    found.clear()
    layer(x, x) if "Attention" in type(layer).__name__ else layer(x)
    print(layer.name, found)
