#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of TestPaddedTargets and TestHingeMetric, by Keras 3.15 on its torch backend."""
import numpy as np
import keras

x = np.array([[1, 2], [3, 4], [5, 6]], "float32")
w = np.array([1, 0, 0.5], "float32")
kernel = np.array([[0.1, -0.2, 0.3], [0.05, 0.2, -0.1]], "float32")
cases = [
    ("binary_crossentropy", "sigmoid", [[1], [-1], [0]]),
    ("categorical_crossentropy", "softmax", [[0, 1, 0], [255, 255, 255], [0, 0, 1]]),
    ("sparse_categorical_crossentropy", "softmax", [1, 0, 2]),  # 0, as torch refuses -1: its weight is 0
    ("hinge", None, [[1], [-2], [0]]),
    ("poisson", None, [[1], [-1], [0]]),
]
for loss, activation, y in cases:
    y = np.array(y, "float32")
    n = 3 if "categorical" in loss else 1
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(n, activation=activation)])
    m.layers[0].set_weights([kernel[:, :n], np.zeros(n, "float32")])
    m.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    logs = m.evaluate(x, y, sample_weight=w, verbose=0, return_dict=True)
    m.fit(x, y, sample_weight=w, verbose=0, shuffle=False)
    print(loss, logs, [v.tolist() for v in m.get_weights()])

ids = np.array([[1, 2, 0], [2, 0, 0]], "int32")
i = keras.Input((3,))
e = keras.layers.Embedding(3, 2, mask_zero=True)
m = keras.Model(i, keras.layers.Dense(1, activation="sigmoid")(e(i)))
e.set_weights([np.array([[0.5, -0.5], [0.1, 0.2], [0.3, -0.4]], "float32")])
m.layers[-1].set_weights([kernel[:, :1], np.zeros(1, "float32")])
m.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
print("masked", m.evaluate(ids, np.array([[1, 0, -1], [1, -1, -1]], "float32")[..., None], verbose=0, return_dict=True))

p = np.array([[0.3], [-0.4], [2], [0.5]], "float32")
for y in ([-1, 0, 1, 0], [0, 1, 1, 0], [0.5, 0, 1, 1]):
    y = np.array(y, "float32")[:, None]
    print("hinge", y.ravel(), float(keras.losses.Hinge()(y, p)), float(keras.losses.SquaredHinge()(y, p)))
