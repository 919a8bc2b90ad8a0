#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of TestOverwriteWeightsWhileAccumulating, by Keras 3.15 on its torch backend: the kernel after each batch."""
import keras
import numpy as np

x = np.array([[1, 2], [3, -1]], "float32") / 4
y = np.array([[1], [-1]], "float32")
m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
m.layers[0].set_weights([np.array([[0.5], [-0.25]], "float32")])
m.compile(keras.optimizers.SGD(0.5, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3), "mse")
for i in range(12):
    m.train_on_batch(x[i % 2:], y[i % 2:])
    print("{%.7f, %.7f}," % tuple(m.get_weights()[0].ravel()))
