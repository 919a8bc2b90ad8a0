# Writes mixed.json: pictures, labels and masks mixed by MixUp and CutMix of Keras (3.15, torch
# backend) in float32, with the numbers that they draw replaced by those of "order", "share", "left"
# and "top".
#
#     KERAS_BACKEND=torch PYTHONPATH=<Keras's source> python3 make_mix.py
import json
from types import SimpleNamespace

import numpy as np
import torch
from keras import layers

rng = np.random.RandomState(1)


def numbers(*shape):
    return rng.uniform(0, 255, shape).astype(np.float32)


def flat(x):
    return [float(str(v)) for v in np.asarray(x, np.float32).ravel()]  # the shortest that is the same float32


def tensor(x):
    return torch.tensor(np.asarray(x, np.float32))


class Recorded:
    """A backend with other random numbers."""

    def __init__(self, backend, random):
        self.backend, self.random = backend, random

    def __getattr__(self, name):
        return getattr(self.backend, name)


backend = layers.MixUp().backend
cases = []
for kind, layer, sizes in (
    ("MixUp", layers.MixUp(0.2), [(3, 4, 2)]),
    ("CutMix", layers.CutMix(1.0), [(3, 4, 2), (7, 5, 1), (1, 1, 3)]),
):
    for height, width, channels in sizes:
        order = [2, 0, 1, 3, 4]
        share = [0.25, 0.9, 0.5, 0.0, 1.0]
        left, top = flat(rng.uniform(0, 1, 5).astype(np.float32)), flat(rng.uniform(0, 1, 5).astype(np.float32))
        left[3] = top[3] = 0.0
        draws = iter([torch.tensor(1.0), tensor(left), tensor(top)])
        layer.backend = Recorded(backend, SimpleNamespace(
            shuffle=lambda x, seed: torch.tensor(order),
            beta=lambda shape, a, b, seed, dtype=None: tensor(share),
            uniform=lambda shape, minval, maxval, dtype, seed: next(draws),
        ))
        images, labels, masks = numbers(5, height, width, channels), numbers(5, 3), numbers(5, height, width, 1)
        t = layer.get_random_transformation(tensor(images), training=True, seed=1)
        case = {"kind": kind, "shape": [height, width, channels], "order": order, "share": share, "left": left, "top": top,
                "images": flat(images), "labels": flat(labels), "masks": flat(masks)}
        case["mixed_images"] = flat(layer.transform_images(tensor(images), t))
        case["mixed_labels"] = flat(layer.transform_labels(tensor(labels), t))
        if kind == "CutMix":  # whose channels are those of the pictures
            t["batch_masks"] = t["batch_masks"][..., :1]
            case["mixed_masks"] = flat(layer.transform_segmentation_masks(tensor(masks), t))
        cases.append(case)

with open("mixed.json", "w") as f:
    json.dump(cases, f)
    f.write("\n")
