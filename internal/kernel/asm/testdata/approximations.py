# SPDX-License-Identifier: Apache-2.0
"""Prints the numbers of tanh.go and log1p.go: minimax approximations by Remez's exchange algorithm and
nodes at which a function is nearly a float32.

Run: python3 approximations.py  (numbers made with mpmath 1.2.1)
"""
import math
import struct

import mpmath as mp

mp.mp.dps = 50
HALF_ULP = mp.mpf(2) ** -24


def float32(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def moved(x, steps):
    """The float32 that is some steps from another one."""
    return struct.unpack("f", struct.pack("I", struct.unpack("I", struct.pack("f", x))[0] + steps))[0]


def rational(t, r, q):
    return mp.polyval(r[::-1], t) / mp.polyval(q[::-1], t)


def remez(f, weight, lo, hi, m, n, points=800):
    """R of degree m and Q of degree n, Q(0) = 1, for which the maximum of weight |R/Q - f| is least."""
    unknowns = m + n + 2
    lo, hi = mp.mpf(lo), mp.mpf(hi)
    at = lambda i, n: lo + (hi - lo) * (1 - mp.cos(mp.pi * i / n)) / 2
    grid = [at(i, points) for i in range(points + 1)]
    reference = [at(i + mp.mpf(1) / 2, unknowns) for i in range(unknowns)]
    middles = [(a + b) / 2 for a, b in zip(reference, reference[1:])]
    a, b = mp.matrix(unknowns - 1, unknowns - 1), mp.matrix(unknowns - 1, 1)
    for i, t in enumerate(middles):  # interpolation to begin with
        for k in range(m + 1):
            a[i, k] = t**k
        for k in range(1, n + 1):
            a[i, m + k] = -f(t) * t**k
        b[i] = f(t)
    x = list(mp.lu_solve(a, b)) + [mp.mpf(0)]
    while True:
        for _ in range(15):  # Newton's method: errors of one size and alternating signs
            j, rest = mp.matrix(unknowns, unknowns), mp.matrix(unknowns, 1)
            for i, t in enumerate(reference):
                sign = (-1) ** i
                v = f(t) + sign * x[-1] / weight(t)
                q = 1 + sum(x[m + k] * t**k for k in range(1, n + 1))
                rest[i] = sum(x[k] * t**k for k in range(m + 1)) - v * q
                for k in range(m + 1):
                    j[i, k] = t**k
                for k in range(1, n + 1):
                    j[i, m + k] = -v * t**k
                j[i, unknowns - 1] = -sign * q / weight(t)
            step = mp.lu_solve(j, -rest)
            x = [u + v for u, v in zip(x, step)]
            if max(abs(v) for v in step) < mp.mpf(10) ** -35:
                break
        r, q = x[: m + 1], [mp.mpf(1)] + x[m + 1 : m + n + 1]
        error = [(rational(t, r, q) - f(t)) * weight(t) for t in grid]
        size = [abs(e) for e in error]
        peaks = []
        for i in range(points + 1):
            if size[i] >= size[max(i - 1, 0)] and size[i] >= size[min(i + 1, points)]:
                if not peaks or (error[peaks[-1]] > 0) != (error[i] > 0):
                    peaks.append(i)
                elif size[i] > size[peaks[-1]]:
                    peaks[-1] = i
        while len(peaks) > unknowns:
            peaks.pop(0 if size[peaks[0]] < size[peaks[-1]] else -1)
        assert len(peaks) == unknowns, "errors do not alternate"
        reference = [grid[i] for i in peaks]
        if max(size) < 1.03 * min(size[i] for i in peaks):
            return r, q, max(size)


def literals(numbers):
    return ", ".join(repr(float32(v)) for v in numbers)


def node(center):
    """A float32 near center > 0.6 whose tanh and 1 - tanh^2 are nearly float32 as well (S. Gal, 1986)."""

    def distance(v):
        ulp = mp.mpf(2) ** (mp.floor(mp.log(v, 2)) - 23)
        return abs(v - mp.mpf(float32(v))) / ulp

    best = None
    for steps in range(-40000, 40001):
        a = moved(float32(center), steps)
        rough = math.ldexp(math.tanh(a), 24)
        if abs(rough - round(rough)) > 0.01:
            continue
        t = mp.tanh(mp.mpf(a))
        d = max(distance(t), distance(1 - t * t) / 4)
        if best is None or d < best[0]:
            best = d, a, t, 1 - t * t
    return best[1:]


def main():
    # tanh(b) = b / (1 + b^2 C(b^2)), relative error
    def c(t):
        return (mp.sqrt(t) * mp.coth(mp.sqrt(t)) - 1) / t if t > mp.mpf(10) ** -12 else mp.mpf(1) / 3 - t / 45

    r, _, error = remez(c, lambda t: max(t, mp.mpf(10) ** -12) / (1 + t * c(t)), 0, "0.27", 2, 0)
    print("tanh: polynomial", literals(r[::-1]), "error", mp.nstr(error / HALF_ULP, 2), "of half an ulp")
    # 7 serves up to where tanh is 1
    nodes = [(0, mp.mpf(0), mp.mpf(1))] + [node(v) for v in (0.92, 2, 3, 4, 5, 6, 7.625)]
    for name, k in ("nodes", 0), ("tanh", 1), ("1 - tanh^2", 2):
        print("tanh:", name, literals(n[k] for n in nodes))

    # log(1 + f) = f - f^2 R(f) / Q(f), relative error
    def g(f):
        return (f - mp.log1p(f)) / f**2 if abs(f) > mp.mpf(10) ** -15 else mp.mpf(1) / 2 - f / 3

    def weight(f):
        return max(abs(f**2 / mp.log1p(f)) if f else 0, mp.mpf(10) ** -20)

    r, q, error = remez(g, weight, "-0.25", 1, 2, 3)
    print("log1p: R", literals(v / q[3] for v in r[::-1]))
    print("log1p: Q", literals(v / q[3] for v in q[::-1]), "error", mp.nstr(error / HALF_ULP, 2), "of half an ulp")


main()
