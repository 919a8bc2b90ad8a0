# SPDX-License-Identifier: Apache-2.0
"""Joins recordings of reefrecord.py: python shorten.py recorded.json.gz RECORDING...

Left out are tests that failed, records that repeat another one with other numbers, and tests that
are then longer than 20 kB, or have an array that stays longer than 300 kB. Long indices of palettes are
written once, before the tests.
"""

import gzip
import hashlib
import json
import re
import sys

LONGEST = 20_000
LONGEST_ARRAY = 300_000  # written as indices
SHORT = 500  # indices that stay where they are
arrays = {}


def shapes(v):
    if isinstance(v, list):
        return [shapes(e) for e in v]
    if isinstance(v, dict):
        return v["shape"] if "shape" in v else {k: shapes(e) for k, e in v.items()}
    return v


def kind(i, r):
    """What two records have in common if one of them is enough."""
    if r["kind"] != "layer":
        return i
    c = r["config"]
    text = json.dumps([c.get("class_name"), c.get("config"), shapes(r["args"]), shapes(r["kwargs"])], sort_keys=True)
    return re.sub(r'"name": "[a-z0-9_]*"', "", text)


def shorten(test):
    records = {}
    for i, r in enumerate(test["records"]):
        if r["kind"] != "initializer" or "initializers/" in test["test"]:
            records.setdefault(kind(i, r), r)
    return {"test": test["test"], "records": list(records.values())}


def shared(v):
    """Names long indices of palettes by their hashes and keeps them in arrays."""
    if isinstance(v, list):
        return [shared(e) for e in v]
    if not isinstance(v, dict):
        return v
    v = {k: shared(e) for k, e in v.items()}
    if isinstance(v.get("at"), str) and len(v["at"]) > SHORT:
        name = hashlib.sha256(v["at"].encode()).hexdigest()[:16]
        arrays[name] = v["at"]
        v["at"] = "#" + name
    return v


def names(v):
    """The arrays that a test names."""
    return re.findall('"at":"#([0-9a-f]+)"', v)


if __name__ == "__main__":
    lines = []
    for path in sys.argv[2:]:
        with open(path) as f:
            for test in json.load(f):
                short = shared(shorten(test))
                line = json.dumps(short, separators=(",", ":"))
                fits = all(len(arrays[name]) <= LONGEST_ARRAY for name in names(line))
                if short["records"] and not test["failed"] and len(line) <= LONGEST and fits:
                    lines.append(line)
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as f:
        used = {name: arrays[name] for line in lines for name in sorted(names(line))}
        lines = [json.dumps({"arrays": used}, separators=(",", ":"))] + sorted(lines)
        f.write(("[" + ",\n".join(lines) + "]\n").encode())
