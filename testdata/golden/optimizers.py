#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Optimizers: w0 and five gradients, want.w after each of the five steps and the
state after the last.

Update rules of https://keras.io/api/optimizers (Keras 3) in numpy float64,
written out below. torch.optim is a cross-check where its rule is the same: not
for epsilon inside or outside a root, so those are run with epsilon 0.
Keras: RMSprop and Adagrad divide by sqrt(v + epsilon), Adam by sqrt(v) + epsilon
with the bias correction in the rate; weight decay subtracts w·decay·rate before
the step.
"""
import numpy as np
import torch

from golden import Topic, same

t = Topic("optimizers")
STEPS = 5


def SGD(w, grads, lr=0.01, momentum=0.0, nesterov=False):
    v = np.zeros_like(w)
    for g in grads:
        v = momentum * v - lr * g
        w = w + (momentum * v - lr * g if nesterov else v)
        yield w, {"velocity": v} if momentum else {}


def RMSprop(w, grads, lr=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v, m, a = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in grads:
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        step = lr * g / np.sqrt(v - (a**2 if centered else 0) + epsilon)
        m = momentum * m + step
        w = w - m
        state = {"velocity": v}
        if momentum:
            state["momentum"] = m
        if centered:
            state["average_gradient"] = a
        yield w, state


def Adam(w, grads, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=0.0):
    m, v, top = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        w = w - w * weight_decay * lr
        alpha = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        m = m + (g - m) * (1 - beta_1)
        v = v + (g**2 - v) * (1 - beta_2)
        top = np.maximum(top, v)
        w = w - m * alpha / (np.sqrt(top if amsgrad else v) + epsilon)
        yield w, {"momentum": m, "velocity": v, **({"velocity_hat": top} if amsgrad else {})}


def AdamW(w, grads, lr=0.001, weight_decay=0.004, **args):
    yield from Adam(w, grads, lr=lr, weight_decay=weight_decay, **args)


def Nadam(w, grads, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(grads, 1):
        u, u_next = beta_1 * (1 - 0.5 * 0.96**t), beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
        product *= u
        m = m + (g - m) * (1 - beta_1)
        v = v + (g**2 - v) * (1 - beta_2)
        m_hat = u_next * m / (1 - product * u_next) + (1 - u) * g / (1 - product)
        w = w - lr * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        yield w, {"momentum": m, "velocity": v}


def Adamax(w, grads, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        m = m + (g - m) * (1 - beta_1)
        u = np.maximum(beta_2 * u, np.abs(g))
        w = w - lr * m / ((1 - beta_1**t) * (u + epsilon))
        yield w, {"momentum": m, "norm": u}


def Adagrad(w, grads, lr=0.001, initial_accumulator_value=0.1, epsilon=1e-7):
    a = np.full_like(w, initial_accumulator_value)
    for g in grads:
        a = a + g**2
        w = w - lr * g / np.sqrt(a + epsilon)
        yield w, {"accumulator": a}


def Adadelta(w, grads, lr=0.001, rho=0.95, epsilon=1e-7):
    a, d = np.zeros_like(w), np.zeros_like(w)
    for g in grads:
        a = rho * a + (1 - rho) * g**2
        delta = -np.sqrt(d + epsilon) / np.sqrt(a + epsilon) * g
        d = rho * d + (1 - rho) * delta**2
        w = w + lr * delta
        yield w, {"accumulated_grad": a, "accumulated_delta_var": d}


def Lion(w, grads, lr=0.001, beta_1=0.9, beta_2=0.99):
    m = np.zeros_like(w)
    for g in grads:
        w = w - lr * np.sign(m * beta_1 + g * (1 - beta_1))
        m = m * beta_2 + g * (1 - beta_2)
        yield w, {"momentum": m}


def by_torch(optimizer, w0, grads, **args):
    w = torch.tensor(w0, requires_grad=True)
    o = optimizer([w], **args)
    out = []
    for g in grads:
        w.grad = torch.tensor(g)
        o.step()
        out.append(w.detach().numpy().copy())
    return np.stack(out)


def run(f, w0, grads, args):
    ws, state = [], {}
    for w, state in f(w0, grads, **args):
        ws.append(w)
    return np.stack(ws), state


def check(label, f, args, optimizer, torch_args):
    w0, grads = t.draw.normal(3, 3).numpy(), t.draw.normal(STEPS, 3, 3).numpy()
    same(label, run(f, w0, grads, args)[0], by_torch(optimizer, w0, grads, **torch_args))


# The rules against torch.optim, epsilon 0 where its place differs.
o = torch.optim
check("sgd", SGD, {"lr": 0.1}, o.SGD, {"lr": 0.1})
check("momentum", SGD, {"lr": 0.1, "momentum": 0.9}, o.SGD, {"lr": 0.1, "momentum": 0.9})
check("nesterov", SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, o.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True})
check("rmsprop", RMSprop, {"epsilon": 0, "momentum": 0.5}, o.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 0, "momentum": 0.5})
check("centered", RMSprop, {"epsilon": 0, "centered": True}, o.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 0, "centered": True})
check("adam", Adam, {"epsilon": 0}, o.Adam, {"eps": 0})
check("adamw", AdamW, {"epsilon": 0, "weight_decay": 0.01}, o.AdamW, {"eps": 0, "weight_decay": 0.01})
# torch 1.13's NAdam multiplies the product of the next step by the present factor twice; it is no check of Nadam.
check("adamax", Adamax, {"epsilon": 0}, o.Adamax, {"lr": 0.001, "eps": 0})
check("adagrad", Adagrad, {"epsilon": 0}, o.Adagrad, {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 0})
check("adadelta", Adadelta, {"lr": 1.0}, o.Adadelta, {"lr": 1.0, "rho": 0.95, "eps": 1e-7})

# And against the figures of Keras's own tests (keras/src/optimizers/*_test.py): weights of one, a first
# gradient of 0.01, then four of 0.1 and 1.0; the weights that these two give after each step.
ones, pair = np.ones(2), [np.full(2, 0.01)] + [np.array([0.1, 1.0])] * 4
for f, args, first, last in [
    (Nadam, {"lr": 0.5, "beta_1": 0.5, "beta_2": 0.67, "epsilon": 1e-5}, [0.4281, -0.1738, -0.7115, -1.2335, -1.7492], [0.4281, -0.1717, -0.7084, -1.2299, -1.7454]),
    (AdamW, {"lr": 1.0, "weight_decay": 0.5, "epsilon": 2}, [0.4998, 0.2486, 0.1223, 0.0586, 0.0263], [0.4998, 0.2382, 0.1003, 0.0258, -0.0159]),
    (RMSprop, {"centered": True}, [0.9967, 0.9933, 0.9908, 0.9885, 0.9864], [0.9967, 0.9933, 0.9908, 0.9885, 0.9864]),
    (Adagrad, {"lr": 0.2, "initial_accumulator_value": 0.3, "epsilon": 1e-6}, [0.9963, 0.9604, 0.9251, 0.8903, 0.856], [0.9963, 0.8209, 0.6891, 0.579, 0.4825]),
    (Adadelta, {"lr": 1.0, "rho": 0.8, "epsilon": 1e-6}, [0.9978, 0.9947, 0.9915, 0.9882, 0.9849], [0.9978, 0.9947, 0.9915, 0.9882, 0.9849]),
    (Lion, {}, [0.999, 0.998, 0.997, 0.996, 0.995], [0.999, 0.998, 0.997, 0.996, 0.995]),
]:
    same(f.__name__, run(f, ones, pair, args)[0], np.array([first, last]).T, 2e-4)

CHECKED = "update rule of keras.io/api/optimizers in numpy float64; rule equal to torch.optim up to the place of epsilon"
KERAS = "update rule of keras.io/api/optimizers in numpy float64; equal to the figures of Keras's own test to their four digits"
PLAIN = "update rule of keras.io/api/optimizers in numpy float64"


def add(label, f, args, shape=(3,), grads=None):
    w0 = t.draw.normal(*shape).numpy()
    if grads is None:
        grads = t.draw.normal(STEPS, *shape).numpy()
    ws, state = run(f, w0, grads, args)
    given = dict({k: v for k, v in zip(f.__code__.co_varnames[2:f.__code__.co_argcount], f.__defaults__)}, **args)
    if f is AdamW:
        given = dict({"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}, **given)
    given["learning_rate"] = given.pop("lr")
    t.add(label, KERAS if f in (Lion, Nadam) else CHECKED, dict(given, optimizer=f.__name__),
          {"w0": w0, "gradients": grads}, {"w": ws, **state})


for f, variants in [
    (SGD, [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"lr": 0.5, "momentum": 0.25}]),
    (RMSprop, [{}, {"momentum": 0.9}, {"centered": True}, {"momentum": 0.5, "centered": True, "rho": 0.75, "epsilon": 1e-3, "lr": 0.01}]),
    (Adam, [{}, {"amsgrad": True}, {"lr": 0.1, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-2}, {"weight_decay": 0.1}]),
    (AdamW, [{}, {"weight_decay": 0.5, "amsgrad": True}]),
    (Nadam, [{}, {"lr": 0.1, "beta_1": 0.5}]),
    (Adamax, [{}, {"lr": 0.1, "beta_2": 0.5}]),
    (Adagrad, [{}, {"initial_accumulator_value": 0.0, "lr": 1.0}]),
    (Adadelta, [{}, {"lr": 1.0, "rho": 0.5}]),
    (Lion, [{}, {"lr": 0.25, "beta_1": 0.5, "beta_2": 0.75}]),
]:
    for args in variants:
        label = f.__name__ + "".join("_%s_%s" % kv for kv in args.items())
        add(label, f, args)
        if not args:
            add(label + "_2x3", f, args, (2, 3))
            tiny = np.array([0.0, 2.0**-30, -(2.0**-20), 256])
            add(label + "_zero_and_extreme", f, args, (4,), np.stack([tiny] * STEPS))

# Clipping before the step, as Keras does it: one rule at a time.
w = [t.draw.normal(3).numpy(), t.draw.normal(2, 2).numpy()]
g = [t.draw.normal(3, scale=3).numpy(), t.draw.normal(2, 2, scale=3).numpy()]
clips = {
    "clipvalue": [np.clip(x, -0.5, 0.5) for x in g],
    "clipnorm": [x * min(1, 0.5 / np.sqrt((x**2).sum())) for x in g],
    "global_clipnorm": [x * min(1, 0.5 / np.sqrt(sum((y**2).sum() for y in g))) for x in g],
}
for kind, clipped in clips.items():
    t.add("clip_" + kind, "formula of keras.io/api/optimizers in numpy float64", {kind: 0.5},
          {"g0": g[0], "g1": g[1]}, {"g0": clipped[0], "g1": clipped[1]})
t.add("clip_global_clipnorm_small", "formula of keras.io/api/optimizers in numpy float64", {"global_clipnorm": 100},
      {"g0": g[0], "g1": g[1]}, {"g0": g[0], "g1": g[1]})

# Weight averaging (use_ema): average = m·average + (1-m)·w after each step, m = 0 at the first.
ws = t.draw.normal(STEPS, 3).numpy()
averages = [ws[0]]
for x in ws[1:]:
    averages.append(0.75 * averages[-1] + 0.25 * x)
t.add("ema", PLAIN, {"ema_momentum": 0.75}, {"w0": w[0], "w": ws}, {"average": np.stack(averages)})
t.save()
