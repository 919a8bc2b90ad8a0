#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Initializers: what a large draw must show, since the random bits are our own.

want.mean, want.std and want.limit (no value lies beyond it in size); for the
normal ones also want.quantile_25, the quarter point of the cut normal
distribution. Keras 3 (https://keras.io/api/layers/initializers): a "normal" is a
normal distribution cut at two standard deviations, whose scale is divided by
0.8796... so that the standard deviation after the cut is the wanted one.
Fans of a kernel (spatial..., in, out): cells·in and cells·out.
"""
import math

import numpy as np

from golden import Topic, same

t = Topic("initializers")
SOURCE = "formula of keras.io/api/layers/initializers; constants checked by numerical integration in numpy"
CUT = 0.87962566103423978  # standard deviation of a unit normal cut at ±2

# Check the constant and find the quarter point by integrating the density.
x = np.linspace(-2, 2, 4_000_001)
density = np.exp(-x * x / 2)
density /= density.sum()
same("cut", math.sqrt((density * x * x).sum()), CUT, 1e-6)
QUARTER = float(x[np.searchsorted(np.cumsum(density), 0.25)]) / CUT


def fans(shape):
    if len(shape) == 1:
        return shape[0], shape[0]
    cells = math.prod(shape[:-2])
    return cells * shape[-2], cells * shape[-1]


for shape in [(64, 48), (3, 3, 16, 32), (5, 24, 40)]:
    fan_in, fan_out = fans(shape)
    for family, variance in [("glorot", 2 / (fan_in + fan_out)), ("he", 2 / fan_in), ("lecun", 1 / fan_in)]:
        std = math.sqrt(variance)
        label = "x".join(map(str, shape))
        for kind in ("uniform", "normal"):
            want = {"mean": 0, "std": std, "limit": math.sqrt(3 * variance) if kind == "uniform" else 2 * std / CUT}
            if kind == "normal":
                want["quantile_25"] = QUARTER * std
            t.add("%s_%s_%s" % (family, kind, label), SOURCE,
                  {"initializer": "%s_%s" % (family, kind), "shape": list(shape), "fan_in": fan_in, "fan_out": fan_out}, {}, want)
for args, want in [
    ({"initializer": "random_normal", "mean": 0.0, "stddev": 0.05}, {"mean": 0, "std": 0.05}),
    ({"initializer": "random_uniform", "minval": -0.05, "maxval": 0.05}, {"mean": 0, "std": 0.1 / math.sqrt(12), "limit": 0.05}),
    ({"initializer": "truncated_normal", "mean": 0.0, "stddev": 0.05},
     {"mean": 0, "std": 0.05 * CUT, "limit": 0.1, "quantile_25": QUARTER * CUT * 0.05}),
]:
    t.add(args["initializer"], SOURCE, dict(args, shape=[64, 48]), {}, want)
for args, want in [
    ({"initializer": "random_normal", "mean": 0.25, "stddev": 0.05}, {"mean": 0.25, "std": 0.05}),
    ({"initializer": "random_uniform", "minval": 0.125, "maxval": 0.375}, {"mean": 0.25, "std": 0.25 / math.sqrt(12), "limit": 0.375}),
]:
    t.add(args["initializer"] + "_moved", SOURCE, dict(args, shape=[64, 48]), {}, want)
for shape in [(64, 48), (3, 3, 16, 32)]:
    fan_in, fan_out = fans(shape)
    for mode, n in [("fan_in", fan_in), ("fan_out", fan_out), ("fan_avg", (fan_in + fan_out) / 2)]:
        for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
            std = math.sqrt(1.5 / n)
            want = {"mean": 0, "std": std}
            if distribution == "uniform":
                want["limit"] = math.sqrt(3) * std
            elif distribution == "truncated_normal":
                want["limit"], want["quantile_25"] = 2 * std / CUT, QUARTER * std
            t.add("variance_scaling_%s_%s_%s" % (mode, distribution, "x".join(map(str, shape))), SOURCE,
                  {"initializer": "variance_scaling", "scale": 1.5, "mode": mode, "distribution": distribution, "shape": list(shape)}, {}, want)
# The shorter side of an orthogonal matrix (all axes but the last flattened) is orthonormal, times gain.
for shape, gain in [((5, 5), 1.0), ((3, 7), 1.0), ((7, 3), 1.0), ((2, 2, 3, 5), 1.0), ((4, 4), 2.0)]:
    n = min(math.prod(shape[:-1]), shape[-1])
    t.add("orthogonal_%s_gain_%s" % ("x".join(map(str, shape)), gain), SOURCE,
          {"initializer": "orthogonal", "shape": list(shape), "gain": gain}, {}, {"gram_of_shorter_side": np.eye(n) * gain**2})
for name, value, args in [("zeros", 0, {}), ("ones", 1, {}), ("constant", 0.25, {"value": 0.25})]:
    t.add(name, SOURCE, dict(args, initializer=name, shape=[2, 3]), {}, {"w": np.full((2, 3), value)})
t.add("identity", SOURCE, {"initializer": "identity", "shape": [3, 4], "gain": 2.0}, {}, {"w": 2 * np.eye(3, 4)})
t.save()
