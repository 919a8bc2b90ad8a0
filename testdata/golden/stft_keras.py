#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kernels that STFTSpectrogram begins with by Keras itself (3.15.1, torch backend), in float32.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 stft_keras.py
"""
import keras
from keras import layers

from golden import Topic

t = Topic("stft_keras")
SOURCE = "Keras %s on torch" % keras.__version__
for window, scaling, periodic, frame, fft in [
    ("hann", "density", False, 8, 8), ("hann", "spectrum", True, 6, 8), ("hamming", "density", True, 5, 16), ("hamming", "none", False, 7, 8), ("boxcar", "spectrum", False, 4, 4), ("hann", "none", False, 9, 11),
]:
    layer = layers.STFTSpectrogram(frame_length=frame, fft_length=fft, window=window, periodic=periodic, scaling=None if scaling == "none" else scaling)
    layer.build((None, 20, 1))
    t.add("%s_%s_%s_%d_%d" % (window, scaling, periodic, frame, fft), SOURCE, {"window": window, "scaling": scaling, "periodic": periodic, "frame_length": frame, "fft_length": fft}, {},
          {v.name: v.value for v in layer.weights})
t.save()
