#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of TestNumbersAtBoundaries, by Keras 3.15 on its torch backend."""
import keras
import numpy as np

bounds = [-0.1, 0.3, 0.6, 0.7]
below = np.nextafter(np.float32(bounds), np.float32(-9))
print(keras.layers.Discretization(bounds)(np.stack([np.float32(bounds), below])).tolist())
