# SPDX-License-Identifier: Apache-2.0
"""Layers that change pictures and numbers, by Keras itself (3.15, torch backend) in float32.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_preprocessing_keras.py

Random layers get a range of one number, so that nothing is drawn; RandomContrast gets its factor.
"""
import keras
import numpy as np
import torch
from keras import layers

from golden import Topic

import keras.src.backend.torch.image as image  # whose indices are int32, which torch 1 does not take

for name in ("_nearest_indices_and_weights", "_linear_indices_and_weights"):
    setattr(image, name, lambda x, f=getattr(image, name): [(i.long(), w) for i, w in f(x)])



def pad(x, widths, mode="constant", constant_values=None, otherwise=keras.src.backend.torch.numpy.pad):
    """Pads symmetrically as on TensorFlow; Keras replicates the last element on torch."""
    if mode == "symmetric":
        return torch.tensor(np.pad(np.asarray(x), widths, mode))
    return otherwise(x, widths, mode, constant_values)


def one_hot(x, num_classes, axis=-1, dtype="float32", sparse=False, otherwise=keras.src.backend.torch.nn.one_hot):
    """Is of float32 as on TensorFlow; on torch it is of integers, which truncate the limit of CLAHE."""
    return otherwise(x, num_classes, axis, dtype, sparse)


keras.src.backend.torch.numpy.pad = pad
keras.src.backend.torch.nn.one_hot = one_hot

t = Topic("layers_preprocessing_keras")
d = t.draw
SOURCE = "Keras %s on torch, float32" % keras.__version__


def out(y):
    return np.asarray(y.detach().cpu() if torch.is_tensor(y) else y, dtype=np.float64)


def label(kind, shape, options):
    text = "%s_%s" % (kind, "x".join(map(str, shape))) + "".join("_%s_%s" % kv for kv in options.items())
    return text.replace(" ", "").replace("(", "").replace(")", "").replace(",", "to")


def pixels(*shape):
    return d.uniform(0, 255, *shape)


def case(kind, shape, training=False, transform=None, **options):
    layer = getattr(layers, kind)(**options)
    x = pixels(*shape)
    images = x.to(torch.float32)
    if transform is not None:
        y = layer.transform_images(images, {k: torch.tensor(v) for k, v in transform.items()}, training=True)
        options = dict(options, **transform)
    elif training:
        y = layer(images, training=True)
    else:
        y = layer(images)
    args = {"layer": kind, "training": training or transform is not None}
    args.update({k: list(v) if isinstance(v, tuple) else v for k, v in options.items()})
    t.add(label(kind, shape, options), SOURCE, args, {"x": x}, {"y": out(y)})


for shape, to in [((2, 4, 6, 3), (7, 5)), ((1, 9, 7, 1), (3, 4)), ((1, 5, 5, 2), (5, 5)), ((1, 3, 8, 2), (6, 6))]:
    for how in ("bilinear", "nearest"):
        for ratio in ({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 20.5}):
            case("Resizing", shape, height=to[0], width=to[1], interpolation=how, **ratio)

for shape, to in [((2, 6, 7, 3), (4, 4)), ((1, 6, 6, 1), (6, 5)), ((1, 5, 8, 2), (2, 7)), ((1, 4, 8, 2), (6, 3))]:
    case("CenterCrop", shape, height=to[0], width=to[1])

for fill in ("reflect", "constant", "wrap", "nearest"):
    for how in ("bilinear", "nearest"):
        options = {"fill_mode": fill, "interpolation": how}
        if fill == "constant":
            options["fill_value"] = 17.5
        case("RandomRotation", (2, 6, 5, 2), training=True, factor=(0.11, 0.11), **options)
        case("RandomRotation", (1, 4, 7, 1), training=True, factor=(-0.37, -0.37), **options)
        case("RandomZoom", (2, 6, 5, 2), training=True, height_factor=(0.45, 0.45), **options)
        case("RandomZoom", (1, 5, 8, 3), training=True, height_factor=(-0.3, -0.3), width_factor=(0.7, 0.7), **options)
        case("RandomTranslation", (2, 5, 6, 2), training=True, height_factor=(0.3, 0.3), width_factor=(-0.9, -0.9), **options)

for factor in (0.6, 1.4):
    case("RandomContrast", (1, 4, 5, 3), transform={"contrast_factor": factor}, factor=0.5)
case("RandomBrightness", (2, 3, 4, 3), training=True, factor=(0.3, 0.3))
case("RandomBrightness", (2, 3, 4, 3), training=True, factor=(-0.25, -0.25), value_range=(0.0, 200.0))

for mode in ("one_hot", "multi_hot", "count"):
    for shape in ((4, 1), (3, 5)):
        x = d.integers(0, 6, *shape)
        y = layers.CategoryEncoding(num_tokens=6, output_mode=mode)(x.to(torch.int64))
        t.add("CategoryEncoding_%s_%s" % (mode, shape), SOURCE, {"layer": "CategoryEncoding", "num_tokens": 6, "output_mode": mode}, {"x": x}, {"y": out(y)})
x, w = d.integers(0, 4, 3, 5), d.normal(3, 5)
y = layers.CategoryEncoding(num_tokens=4, output_mode="count")(x.to(torch.int64), count_weights=w.to(torch.float32))
t.add("CategoryEncoding_weights", SOURCE, {"layer": "CategoryEncoding", "num_tokens": 4, "output_mode": "count"}, {"x": x, "weights": w}, {"y": out(y)})

for mode in ("int", "one_hot", "multi_hot", "count"):
    x = d.normal(5, 1, scale=2)
    y = layers.Discretization(bin_boundaries=[-1.5, 0.0, 0.25, 2.0], output_mode=mode)(x.to(torch.float32))
    t.add("Discretization_" + mode, SOURCE, {"layer": "Discretization", "bin_boundaries": [-1.5, 0.0, 0.25, 2.0], "output_mode": mode}, {"x": x}, {"y": out(y)})
for n, bins, epsilon in ((7, 3, 0.01), (50, 4, 0.01), (400, 5, 0.01), (333, 10, 0.05)):
    data = d.normal(n, 1, scale=3)
    layer = layers.Discretization(num_bins=bins, epsilon=epsilon)
    layer.update_state(np.asarray(data, dtype="float32"))  # adapt itself asks TensorFlow
    layer.finalize_state()
    t.add("Discretization_adapt_%d_%d_%s" % (n, bins, epsilon), SOURCE, {"layer": "Discretization", "num_bins": bins, "epsilon": epsilon},
          {"data": data}, {"boundaries": np.asarray(layer.bin_boundaries, dtype=np.float64)})

for kind, factor in [("RandomInvert", 1.0), ("RandomInvert", 0.0), ("RandomPosterization", 3), ("RandomPosterization", 8), ("RandomColorDegeneration", 0.75), ("RandomSharpness", 0.9), ("RandomSharpness", 0.1)]:
    case(kind, (2, 5, 4, 3), training=True, factor=(factor, factor))
    case(kind, (1, 3, 4, 1), training=True, factor=(factor, factor), value_range=(0.0, 300.0 if kind == "RandomPosterization" else 200.0))  # Keras wraps values outside
for shape in ((2, 4, 5, 3), (1, 4, 5, 1)):
    case("RandomGrayscale", shape, training=True, factor=1.0)
    case("RandomGrayscale", shape, training=True, factor=0.0)

for shape in ((1, 5, 4, 3), (1, 7, 6, 1)):  # Equalization of Keras counts the pixels of all samples
    case("AutoContrast", shape)
    case("AutoContrast", shape, value_range=(-50.0, 300.0))
    case("Equalization", shape, training=True)
    case("Equalization", shape, training=True, bins=7, value_range=(0.0, 300.0))
    for limit, grid in ((4.0, (8, 8)), (1.5, (2, 3)), (0.0, (3, 2)), (40.0, (1, 1))):
        case("ContrastLimitedAdaptiveHistogramEqualization", shape, clip_limit=limit, tile_grid_size=grid)
    case("ContrastLimitedAdaptiveHistogramEqualization", shape, clip_limit=20.0, tile_grid_size=(2, 2), value_range=(-10.0, 270.0))
    for addition, threshold in ((0.0, 0.0), (0.0, 128.0), (64.0, 64.0)):
        case("Solarization", shape, transform={"additions": addition, "thresholds": threshold})
        case("Solarization", shape, transform={"additions": addition, "thresholds": threshold}, value_range=(-50.0, 300.0))

for factor in (0.0, 0.3, 0.5):
    case("RandomSaturation", (2, 4, 5, 3), training=True, factor=(factor, factor))
case("RandomSaturation", (2, 4, 5, 3), training=True, factor=(0.45, 0.45), value_range=(0.0, 1.0))
case("RandomHue", (2, 4, 5, 3), training=True, factor=(1.0, 1.0))  # half a turn in either direction
case("RandomHue", (2, 4, 5, 3), training=True, factor=(1.0, 1.0), value_range=(-50.0, 300.0))
case("RandomColorJitter", (2, 4, 5, 3), training=True, brightness_factor=(0.1, 0.1), saturation_factor=(0.4, 0.4), hue_factor=(1.0, 1.0))
for scale, factor in ((1.0, 1.0), (1.0, 0.0)):
    case("RandomErasing", (2, 3, 4, 3), training=True, factor=(factor, factor), scale=(scale, scale), fill_value=17.5)
for size, sigma in ((3, 0.5), (5, 1.0), (7, 0.0)):
    case("RandomGaussianBlur", (2, 6, 5, 3), training=True, factor=(1.0, 1.0), kernel_size=size, sigma=(sigma, sigma))
for turn in (0.3, -0.2):
    x = pixels(1, 4, 5, 3)
    y = layers.RandomHue(0.5).transform_images(x.to(torch.float32), {"factor": torch.tensor([turn])})
    t.add("turned_hue_%s" % turn, SOURCE, {"layer": "turned hue", "turn": turn}, {"x": x}, {"y": out(y)})
for across, down in ((0.3, 0.0), (-0.2, 0.45)):
    for how in ("bilinear", "nearest"):
        x = pixels(1, 6, 5, 2)
        y = layers.RandomShear(interpolation=how)._transform_images(x.to(torch.float32), {"shear_factor": torch.tensor([[across, down]])}, how)
        t.add("sheared_%s_%s_%s" % (across, down, how), SOURCE, {"layer": "RandomShear", "x": across, "y": down, "fill_mode": "reflect", "interpolation": how}, {"x": x}, {"y": out(y)})
for scale in (0.5, 1.0):
    for how in ("bilinear", "nearest"):
        x, shifts = pixels(1, 6, 5, 2), torch.tensor([[[0.125, -0.1875], [0.375, 0.3125], [-0.125, -0.5], [-0.25, 0.1875]]]) * scale
        corners = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [0.0, 5.0], [4.0, 5.0]]])
        given = {"apply_perspective": torch.tensor([True]), "start_points": corners, "end_points": corners + corners * shifts, "input_shape": x.shape}
        y = layers.RandomPerspective(interpolation=how, fill_value=7.0)._transform_images(x.to(torch.float32), given, how)
        t.add("perspective_%s_%s" % (scale, how), SOURCE, {"layer": "RandomPerspective", "interpolation": how, "fill_value": 7.0}, {"x": x, "shifts": shifts}, {"y": out(y)})

OPERATIONS = {"random_translation": 1, "random_rotation": 2, "auto_contrast": 5, "equalization": 6, "random_brightness": 7, "random_color_degeneration": 8, "random_sharpness": 10}
for name, number in OPERATIONS.items():  # the others draw even then
    x = pixels(1, 6, 5, 3)
    part = getattr(layers.RandAugment(factor=(0.3, 0.3)), name)
    y = part.transform_images(x.to(torch.float32), part.get_random_transformation(x.to(torch.float32)))
    t.add("operation_%s" % name, SOURCE, {"layer": "RandAugment", "operation": number, "factor": 0.3}, {"x": x}, {"y": out(y)})
mixed = layers.AugMix(factor=(0.3, 0.3))
x = pixels(1, 6, 5, 3)
chains = [["random_rotation", "random_brightness"], ["auto_contrast", None], [None, None]]
weights, stays = [0.5, 0.3, 0.2], 0.4
given = {"chain_mixing_weights": torch.tensor(weights), "weight_sample": torch.tensor(stays), "chain_transforms": [
    [{"layer_name": n, "transformation": getattr(mixed, n).get_random_transformation(x.to(torch.float32))} for n in chain if n] for chain in chains]}
y = mixed.transform_images(x.to(torch.float32), given)
t.add("mixed", SOURCE, {"layer": "AugMix", "factor": 0.3, "weights": weights, "stays": stays, "chosen": [OPERATIONS.get(n, 11) for chain in chains for n in chain]}, {"x": x}, {"y": out(y)})
noise = None


def normal(mean, std, size, generator=None, dtype=None, device=None):
    """Returns what RandomElasticTransform draws: across, then down."""
    return next(noise).to(dtype)


drawn, torch.normal = torch.normal, normal
for shape, scale, fills in (((1, 6, 5, 2), 1.0, ("reflect", "wrap", "nearest", "constant")), ((1, 24, 30, 1), 0.7, ("reflect", "constant"))):
    for fill in fills:
        for how in ("bilinear", "nearest"):
            x, given = pixels(*shape), d.normal(2, *shape[:3]) * 3
            noise = iter(given)
            y = layers.RandomElasticTransform(interpolation=how, fill_mode=fill).transform_images(
                x.to(torch.float32), {"apply_transform": torch.tensor([True]), "distortion_factor": torch.tensor(scale), "seed": 1})
            t.add("elastic_%s_%s_%s" % (scale, fill, how), SOURCE, {"layer": "RandomElasticTransform", "scale": scale, "fill_mode": fill, "interpolation": how}, {"x": x, "noise": given}, {"y": out(y)})
torch.normal = drawn
t.save()
