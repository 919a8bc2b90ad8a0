# Writes the archives for the tests (numpy 1.24):
#   lists-N.npz   the same lists of integers, pickled with protocol N
#   evil-*.npy    object arrays that a general unpickler would act on
import io
import os
import pickle
import struct
import zipfile
import numpy as np

lists = [[1, 14, 22, 70000], [], [255, 256, 65535, 65536, 2**31 - 1, -1, 0], list(range(2500))]
x = np.empty(len(lists), dtype=object)
for i, l in enumerate(lists):
    x[i] = l


def npy(payload, n):
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (%d,), }" % n
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + payload


def entry(z, name, data):
    i = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    i.compress_type = zipfile.ZIP_DEFLATED
    z.writestr(i, data)


for p in (2, 3, 4):
    with zipfile.ZipFile("lists-%d.npz" % p, "w") as z:
        entry(z, "x.npy", npy(pickle.dumps(x, protocol=p), len(x)))
        y = io.BytesIO()
        np.save(y, np.array([3, -1, 2**40, 7]))
        entry(z, "y.npy", y.getvalue())


class System:
    def __reduce__(self):
        return os.system, ("echo owned",)


def one(v):
    a = np.empty(1, dtype=object)
    a[0] = v
    return a


for name, v in (("system", System()), ("text", "abc"), ("float", [1.5]), ("nested", [[1]]), ("dict", {1: 2}), ("big", [2**40])):
    with open("evil-%s.npy" % name, "wb") as f:
        f.write(npy(pickle.dumps(one(v), protocol=2), 1))
