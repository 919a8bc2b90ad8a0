# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest that records what Keras's own tests compute.

    cd keras; python -m pytest -p reefrecord --record cases.json keras/src/losses

For each test it writes the configuration of each layer, loss, metric, optimizer, schedule,
activation, regularizer, constraint and initializer that the test calls, and what it got and gave.
Keras runs on its torch backend. Only numbers and configurations are written.
"""

import base64
import functools
import json
import random
import sys
import threading
import types
import zlib

import numpy as np
import pytest

LARGEST = 150000  # numbers of an array
PALETTE = 3000  # numbers of an array that is written as a palette if it has few different ones
MOST = 40  # records of a test

state = threading.local()
state.depth = 0  # of calls of Keras's objects
tests = []
current = None
keras = {}


def pytest_addoption(parser):
    parser.addoption("--record", default="recorded.json")


class Test:
    def __init__(self, name):
        self.name = name
        self.records = []
        self.metrics = {}
        self.optimizers = {}
        self.kept = []  # objects, so that no id is used twice
        self.layer = None
        self.before = None
        self.drawn = []  # by layers of pictures in a call


def numbers(flat, dtype):
    if dtype.kind == "f":
        out = []
        for v in flat.astype(np.float32):
            f = float(v)
            if f != f or f in (float("inf"), float("-inf")):
                out.append(str(f))
            else:
                f = float(str(v))
                out.append(int(f) if f == int(f) and abs(f) < 1e9 else f)
        return out
    if dtype.kind == "b":
        return [int(v) for v in flat]
    if dtype.kind in "iu":
        return [int(v) for v in flat]
    return [v.decode() if isinstance(v, bytes) else str(v) for v in flat]


def array(x):
    x = np.asarray(x)
    dtype = "string" if x.dtype.kind in "OSU" else str(x.dtype)
    if x.size > PALETTE and dtype != "string":
        values, at = np.unique(x.astype("float32") if x.dtype.kind == "f" else x, return_inverse=True)
        if len(values) <= 256:
            at = base64.b64encode(zlib.compress(at.astype("uint8").tobytes(), 9)).decode()
            return {"shape": list(x.shape), "dtype": dtype, "palette": numbers(values, x.dtype), "at": at}
    if x.size > LARGEST:
        return {"large": list(x.shape)}
    return {"shape": list(x.shape), "dtype": dtype, "v": numbers(x.reshape(-1), x.dtype)}


def enc(x, depth=0):
    b = keras["backend"]
    if depth > 8:
        return {"other": "deep"}
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float):
        return x if np.isfinite(x) else str(x)
    if isinstance(x, np.generic):
        return array(x)
    if isinstance(x, (list, tuple)):
        return [enc(v, depth + 1) for v in x]
    if isinstance(x, dict):
        return {"dict": {str(k): enc(v, depth + 1) for k, v in x.items()}}
    if isinstance(x, np.ndarray):
        return array(x)
    if isinstance(x, b.Variable) or b.is_tensor(x):
        dtype = b.standardize_dtype(x.dtype)
        value = np.array(b.convert_to_numpy(x))
        a = array(value)
        if dtype == "bfloat16":
            a["dtype"] = dtype
        return a
    return {"other": type(x).__name__}


def config_of(x):
    try:
        c = keras["saving"].serialize_keras_object(x)
        if type(x).__name__ in ("Identity", "IdentityInitializer"):
            c["config"]["gain"] = x.gain  # which Keras forgets, as the next one
        if type(x).__name__ == "SparseCategoricalCrossentropy" and "axis" in getattr(x, "_fn_kwargs", {}):
            c["config"]["axis"] = x._fn_kwargs["axis"]
        return json.loads(json.dumps(c, default=lambda v: {"other": type(v).__name__}))
    except Exception as e:
        return {"failed": f"{type(e).__name__}: {e}"[:200], "class_name": type(x).__name__, "module": type(x).__module__}


def symbolic(*values):
    t = keras["tree"].flatten(values)
    return any(isinstance(v, keras["KerasTensor"]) for v in t)


def own(cls, package):
    return cls.__module__.startswith("keras.src." + package) and not cls.__module__.endswith("_test")


def recording():
    return current is not None and state.depth == 0 and len(current.records) < MOST


class inside:
    def __enter__(self):
        state.depth += 1

    def __exit__(self, *_):
        state.depth -= 1


def put(record):
    current.records.append(record)


def states_of(layer):
    """The variables that training or, for a stateful layer, a call changes."""
    own = keras["tree"].flatten(getattr(layer, "states", None) or [])
    return [enc(v) for v in [*layer.non_trainable_variables, *own] if hasattr(v, "shape")]


def weights_of(layer):
    return [{"path": w.path, **enc(w)} for w in layer.weights]


def coefficients(shape):
    n = int(np.prod(shape))
    return (((np.arange(n) * 7) % 11) - 5).reshape(shape).astype("float32") / 5


def gradients_of(layer, outputs):
    """The gradient of the sum of the outputs, each number times its coefficient."""
    import torch

    floats = [y for y in keras["tree"].flatten(outputs) if torch.is_tensor(y) and y.dtype == torch.float32 and y.requires_grad]
    values = [w.value for w in layer.trainable_variables]
    if not floats or not values:
        return None
    total = sum((y * torch.tensor(coefficients(tuple(y.shape)))).sum() for y in floats)
    grads = torch.autograd.grad(total, values, retain_graph=True, allow_unused=True)
    return [None if g is None else enc(g) for g in grads]


def drawn_by(layer, t):
    """The arguments, for each sample, with which a layer of pictures does what it drew; None if there are none."""

    def column(name, scale=1.0, offset=0.0):
        v = t[name] if isinstance(t, dict) else t
        return [float(e) * scale + offset for e in np.array(keras["backend"].convert_to_numpy(v)).reshape(-1)]

    def both(name, values):
        return [{name: [v, v]} for v in values]

    def either(values):
        return both("factor", [1.0 if v else 0.0 for v in values])

    kind = type(layer).__name__
    if kind == "RandomFlip":
        return [{} for _ in column("flips")]
    if kind == "RandomBrightness":
        lowest, highest = layer.value_range
        return both("factor", column("rgb_delta", 1 / (highest - lowest)))
    if kind == "RandomContrast":
        return [{"factor": [-v, v]} for v in column("contrast_factor", 1, -1)]
    if kind in ("RandomColorDegeneration", "RandomSharpness"):
        return both("factor", column("factor"))
    if kind == "RandomHue":
        return both("factor", [abs(v) for v in column("factor", 2)])
    if kind == "RandomSaturation":
        return both("factor", [min(max(v, 0) * (1 + 1e-7) / (1 + v), 1.0) for v in column("factor")])  # below 0 as 0
    if kind == "RandomPosterization":
        return both("factor", [int(8 - v) for v in column("shift_factor")])
    if kind == "RandomRotation":
        return both("factor", column("angle", 1 / 360))
    if kind == "RandomInvert":
        return either(column("apply_inversion"))
    if kind == "RandomGrayscale":
        return [{"factor": v} for v in column(None)]
    if kind == "RandomErasing":
        return None if any(column("apply_erasing")) else either(column("apply_erasing"))
    if kind == "RandomGaussianBlur":
        return None if any(column("should_apply_blur")) else either(column("should_apply_blur"))
    if kind == "RandomShear":
        v = column("shear_factor")
        return [{"x_factor": [x, x], "y_factor": [y, y]} for x, y in zip(v[::2], v[1::2])]
    if kind == "RandomTranslation":
        v, shape = column("translations"), t["input_shape"]
        height, width = (shape[-2:] if layer.data_format == "channels_first" else shape[-3:-1])
        return [{"width_factor": [x / width] * 2, "height_factor": [y / height] * 2} for x, y in zip(v[::2], v[1::2])]
    if kind == "RandomZoom":
        v = zip(column("height_zoom", 1, -1), column("width_zoom", 1, -1))
        return [{"height_factor": [h, h], "width_factor": [w, w]} for h, w in v]
    if kind == "Solarization":
        v = zip(column("additions", 1 / 255), column("thresholds", 1 / 255))
        return [{"addition_factor": [a, a], "threshold_factor": [b, b]} for a, b in v]
    return None


PARTS = {"RandomBrightness": "brightness_factor", "RandomContrast": "contrast_factor", "RandomSaturation": "saturation_factor", "RandomHue": "hue_factor"}


def drawn_in(layer):
    """The arguments of what a layer, or each of its parts, drew in the call that has ended."""
    kind = type(layer).__name__
    calls = current.drawn
    if kind == "RandomCrop":
        return [{}]
    if kind != "RandomColorJitter":
        return drawn_by(*calls[0]) if len(calls) == 1 and calls[0][0] is layer and calls[0][1] is not None else None
    parts = [[{PARTS[type(part).__name__]: e["factor"]} for e in drawn_by(part, t)] for part, t in calls if part is not layer]
    return [functools.reduce(lambda a, b: {**a, **b}, each) for each in zip(*parts)] or None


def wrap_pictures():
    from keras.src.layers.preprocessing.image_preprocessing.base_image_preprocessing_layer import BaseImagePreprocessingLayer as Base

    def note(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            t = old(self, *args, **kwargs)
            if current is not None:
                current.drawn.append((self, t))
            return t

        return f

    for c in descendants(Base):
        if "get_random_transformation" in c.__dict__:
            c.get_random_transformation = note(c.__dict__["get_random_transformation"])


def wrap_layers():
    Layer = keras["Layer"]
    call, build = Layer.__call__, Layer._maybe_build

    @functools.wraps(build)
    def maybe_build(self, spec):
        out = build(self, spec)
        if current is not None and current.layer is self and current.before is None:
            try:
                current.before = weights_of(self)
                current.states = states_of(self)
            except Exception as e:
                current.before = {"failed": str(e)[:200]}
        return out

    @functools.wraps(call)
    def wrapped(self, *args, **kwargs):
        name = type(self).__name__
        mine = own(type(self), "layers") or name in ("Sequential", "Functional") and own(type(self), "models")
        if not mine and state.depth == 0:
            return call(self, *args, **kwargs)  # look inside
        if not recording() or symbolic(args, kwargs) or state.depth:
            with inside():
                return call(self, *args, **kwargs)
        kept = current.layer, current.before
        current.layer, current.before, current.drawn = self, None, []
        try:
            given = [enc(a) for a in args], {k: enc(v) for k, v in kwargs.items()}
            outer = keras["backend"].common.global_state.get_global_attribute("current_call_ctx")
            if outer is not None and kwargs.get("training") is None and outer.get_value("training") is not None:
                given[1]["training"] = bool(outer.get_value("training"))
            masks = [enc(getattr(a, "_keras_mask", None)) for a in keras["tree"].flatten(args)]
            named = {k: enc(v._keras_mask) for k, v in kwargs.items() if getattr(v, "_keras_mask", None) is not None}
            with inside():
                out = call(self, *args, **kwargs)
            record = {"kind": "layer", "config": config_of(self), "weights": current.before, "args": given[0], "kwargs": given[1], "out": enc(out)}
            if any(m is not None for m in masks):
                record["masks"] = masks
            if named:
                record["named_masks"] = named
            om = [enc(getattr(a, "_keras_mask", None)) for a in keras["tree"].flatten(out)]
            if any(m is not None for m in om):
                record["out_masks"] = om
            with inside():
                try:
                    after = states_of(self)
                    if after != current.states:
                        record["states"], record["states_after"] = current.states, after
                    losses = [float(v) for v in self.losses]
                    if losses:
                        record["losses"] = losses
                    if self._seed_generators or any(s._seed_generators for s in self._flatten_layers()):
                        record["seeds"] = True
                        drawn = drawn_in(self)
                        if drawn is not None:
                            record["drawn"] = drawn
                    g = gradients_of(self, out)
                    if g is not None:
                        record["gradients"] = g
                except Exception as e:
                    record["note"] = f"{type(e).__name__}: {e}"[:200]
            put(record)
            return out
        finally:
            current.layer, current.before = kept

    Layer.__call__, Layer._maybe_build = wrapped, maybe_build


def descendants(cls):
    for c in cls.__subclasses__():
        yield c
        yield from descendants(c)


def wrap_losses():
    Loss = keras["Loss"]
    call = Loss.__call__

    @functools.wraps(call)
    def wrapped(self, *args, **kwargs):
        if not recording() or not own(type(self), "losses"):
            return call(self, *args, **kwargs)
        masks = [enc(getattr(a, "_keras_mask", None)) for a in args]
        with inside():
            out = call(self, *args, **kwargs)
        r = {"kind": "loss", "config": config_of(self), "args": [enc(a) for a in args], "kwargs": {k: enc(v) for k, v in kwargs.items()}, "out": enc(out)}
        if any(m is not None for m in masks):
            r["masks"] = masks
        put(r)
        return out

    Loss.__call__ = wrapped


def wrap_metrics():
    Metric = keras["Metric"]

    def entry(self):
        key = id(self)
        if key not in current.metrics:
            current.kept.append(self)
            current.metrics[key] = []
        return current.metrics[key]

    def update(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            if current is None or state.depth:
                return old(self, *args, **kwargs)
            u = {"args": [enc(a) for a in args], "kwargs": {k: enc(v) for k, v in kwargs.items()}}
            masks = [enc(getattr(a, "_keras_mask", None)) for a in args]
            if any(m is not None for m in masks):
                u["masks"] = masks
            entry(self).append(u)
            with inside():
                return old(self, *args, **kwargs)

        return f

    def reset(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            if current is not None and state.depth == 0:
                entry(self).clear()
            with inside():
                return old(self, *args, **kwargs)

        return f

    def result(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            if not recording():
                return old(self, *args, **kwargs)
            with inside():
                out = old(self, *args, **kwargs)
                put({"kind": "metric", "config": config_of(self), "updates": list(entry(self)), "out": enc(out)})
            return out

        return f

    for c in [Metric, *descendants(Metric)]:
        if not own(c, "metrics"):
            continue
        for name, w in ("update_state", update), ("reset_state", reset), ("result", result):
            if name in c.__dict__:
                setattr(c, name, w(c.__dict__[name]))


def wrap_optimizers():
    Base = keras["BaseOptimizer"]
    apply = Base.apply

    @functools.wraps(apply)
    def wrapped(self, grads, trainable_variables=None):
        if current is None or state.depth or len(grads) == 0:
            return apply(self, grads, trainable_variables)
        key = id(self)
        vars = list(trainable_variables) if trainable_variables is not None else list(self._trainable_variables)
        before = [enc(v) for v in vars]
        if key not in current.optimizers:
            current.kept.append(self)
            r = {"kind": "optimizer", "config": config_of(self), "weights": before, "paths": [getattr(v, "path", "") for v in vars], "steps": []}
            r["ids"] = [id(v) for v in vars]
            r["overwrite"] = any(getattr(v, "overwrite_with_gradient", False) for v in vars)
            if getattr(self, "_exclude_from_weight_decay", None) or getattr(self, "_exclude_from_weight_decay_pattern", None):
                r["excluded"] = [i for i, v in enumerate(vars) if not self._use_weight_decay(v)]
            if any(getattr(v, "constraint", None) for v in vars):
                r["constraints"] = [config_of(v.constraint) if getattr(v, "constraint", None) else None for v in vars]
            current.optimizers[key] = r
            put(r)
        r = current.optimizers[key]
        step = {"gradients": [enc(g) for g in grads], "rate": float(self.learning_rate) if not callable(self.learning_rate) else None}
        if r["ids"] != [id(v) for v in vars]:
            r["other"] = "other variables"
        elif before != (r["steps"][-1]["after"] if r["steps"] else r["weights"]):
            step["before"] = before
        with inside():
            out = apply(self, grads, trainable_variables)
        step["after"] = [enc(v) for v in vars]
        if len(r["steps"]) < 40:
            r["steps"].append(step)
        return out

    Base.apply = wrapped
    for c in [Base, *descendants(Base)]:  # those with an apply of their own
        if c is not Base and "apply" in c.__dict__ and own(c, "optimizers"):
            pass


def wrap_calls(base, package, kind):
    def make(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            if not recording() or not own(type(self), package):
                return old(self, *args, **kwargs)
            with inside():
                out = old(self, *args, **kwargs)
            put({"kind": kind, "config": config_of(self), "args": [enc(a) for a in args], "kwargs": {k: enc(v) for k, v in kwargs.items()}, "out": enc(out)})
            return out

        return f

    for c in [base, *descendants(base)]:
        if "__call__" in c.__dict__ and own(c, package):
            c.__call__ = make(c.__dict__["__call__"])


class Proxy(types.ModuleType):
    """A module whose functions are recorded when a test calls them."""

    def __init__(self, module, kind):
        super().__init__(module.__name__)
        self.__dict__["_module"], self.__dict__["_kind"] = module, kind

    def __getattr__(self, name):
        v = getattr(self._module, name)
        if not isinstance(v, types.FunctionType) or name in ("get", "serialize", "deserialize") or name.startswith("_"):
            return v

        @functools.wraps(v)
        def f(*args, **kwargs):
            if not recording() or symbolic(args, kwargs):
                return v(*args, **kwargs)
            with inside():
                out = v(*args, **kwargs)
            put({"kind": self._kind, "name": name, "args": [enc(a) for a in args], "kwargs": {k: enc(v) for k, v in kwargs.items()}, "out": enc(out)})
            return out

        return f


def wrap_trainers():
    from keras.src.trainers.trainer import Trainer

    def hide(old):
        @functools.wraps(old)
        def f(self, *args, **kwargs):
            with inside():
                return old(self, *args, **kwargs)

        return f

    names = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
    for c in [Trainer, *descendants(Trainer)]:
        if not c.__module__.startswith("keras.src"):
            continue
        for n in names:
            if n in c.__dict__:
                setattr(c, n, hide(c.__dict__[n]))


def without_tensorflow():
    """Lets tests be collected that use TensorFlow's data sets here and there; those tests fail."""
    try:
        import tensorflow  # noqa: F401
    except ImportError:
        import keras.src.utils.module_utils as m

        tf, data = types.ModuleType("tensorflow"), types.ModuleType("tensorflow.data")
        tf.data, tf.executing_eagerly = data, lambda: True
        sys.modules.update({"tensorflow": tf, "tensorflow.data": data})
        m.tensorflow._available = False


def pytest_sessionstart(session):
    import keras as k

    without_tensorflow()
    from keras.src import backend, layers, losses, metrics, models, optimizers, saving, tree  # noqa: F401
    from keras.src import constraints, initializers, regularizers
    from keras.src.backend.common.keras_tensor import KerasTensor
    from keras.src.optimizers.base_optimizer import BaseOptimizer
    from keras.src.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

    keras.update(backend=backend, tree=tree, saving=saving, KerasTensor=KerasTensor, Layer=layers.Layer, Loss=losses.Loss, Metric=metrics.Metric, BaseOptimizer=BaseOptimizer, keras=k)
    wrap_layers()
    wrap_pictures()
    wrap_losses()
    wrap_metrics()
    wrap_optimizers()
    wrap_calls(LearningRateSchedule, "optimizers", "schedule")
    wrap_calls(regularizers.Regularizer, "regularizers", "regularizer")
    wrap_calls(constraints.Constraint, "constraints", "constraint")
    if any("initializers" in str(a) for a in session.config.args):  # others make weights
        wrap_calls(initializers.Initializer, "initializers", "initializer")
    wrap_trainers()


def pytest_collection_modifyitems(config, items):
    import keras.src.activations as activations
    import keras.src.losses as losses
    from keras.src.metrics import accuracy_metrics

    kinds = ((activations, "activation"), (activations.activations, "activation"), (losses, "loss_function"), (losses.losses, "loss_function"), (accuracy_metrics, "metric_function"))
    proxies = {id(m): Proxy(m, kind) for m, kind in kinds}
    for item in items:
        m = item.module
        for name, v in list(vars(m).items()):
            if id(v) in proxies:
                setattr(m, name, proxies[id(v)])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    global current
    seed = zlib.crc32(item.nodeid.encode()) % 2**31
    random.seed(seed)
    np.random.seed(seed)
    keras["keras"].utils.set_random_seed(seed)
    state.depth = 0
    current = Test(item.nodeid)
    yield
    t, current = current, None
    for r in t.records:
        r.pop("ids", None)
    tests.append({"test": t.name, "failed": "", "records": t.records})


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == "call" and tests and tests[-1]["test"] == item.nodeid and report.outcome != "passed":
        text = str(call.excinfo.value) if call.excinfo else ""
        tests[-1]["failed"] = f"{report.outcome}: {text}"[:200]


def pytest_sessionfinish(session):
    with open(session.config.getoption("--record"), "w") as f:
        f.write("[")
        for i, t in enumerate(t for t in tests if t["records"]):
            f.write(",\n" if i else "\n")
            json.dump(t, f, separators=(",", ":"))
        f.write("\n]\n")
