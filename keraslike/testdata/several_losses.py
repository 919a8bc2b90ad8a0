#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of TestWeightsOfSeveralLosses, by Keras 3.15 on its torch backend."""
import keras
import numpy as np

x = np.array([[1, 2], [3, 4], [5, 6], [2, 0], [1, 1]], "float32") / 4
y = np.array([[1], [0], [2], [1], [3]], "float32")
weights = np.array([1, 0, 0.5, 2, 1], "float32")
i = keras.Input((2,))
heads = [keras.layers.Dense(1, use_bias=False, name=name) for name in "abc"]
m = keras.Model(i, [h(i) for h in heads])
for h, kernel in zip(heads, ([0.5, -0.25], [1, 1], [0.25, 1])):
    h.set_weights([np.array(kernel, "float32")[:, None]])
for losses in (["mse", None, "mae"], ["mse", None, None]):
    mae = [[], [keras.metrics.MeanAbsoluteError(name="mae")], []]
    m.compile(keras.optimizers.SGD(0.1), losses, metrics=mae, weighted_metrics=[[], [keras.metrics.MeanAbsoluteError(name="weighted")], []])
    targets = lambda n: [y[:n], y[:n], y[:n]]
    # Batches of eight: three samples train, five validate, or the first eight of them.
    h = m.fit(x[:3], targets(3), sample_weight=[weights[:3]] * 3, batch_size=8, shuffle=False, verbose=0,
              validation_data=(x, targets(5), [weights] * 3), validation_steps=1)
    print({k: v[0] for k, v in h.history.items()}, [v.ravel().tolist() for v in m.get_weights()])
