# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder have in common."""
import numpy as np


def numbers(a):
    """About 200 values, evenly spread, and two that every value has a part in."""
    flat = a.ravel()
    step = max(1, flat.size // 200)
    if step % 2 == 0:
        step += 1  # not always the same channels
    return {
        "shape": list(a.shape),
        "mean": float(flat.astype(np.float64).mean()),
        "square": float((flat.astype(np.float64) ** 2).mean()),
        "step": step,
        "values": [float("%.7g" % v) for v in flat[::step]],
    }


def noise(h, w):
    """Pixels that a test can compute too: bits 24 to 31 of k * 2654435761 mod 2^32."""
    k = np.arange(h * w * 3, dtype=np.uint64)
    return (((k * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) >> np.uint64(24)).astype(np.uint8).reshape(h, w, 3)
