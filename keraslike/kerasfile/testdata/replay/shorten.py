# SPDX-License-Identifier: Apache-2.0
"""Joins recordings of reefrecord.py: python shorten.py recorded.json.gz RECORDING...

Left out are tests that failed, records that repeat another one with other numbers, and tests that
are then longer than 10 kB.
"""

import gzip
import json
import re
import sys

LONGEST = 10_000


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


if __name__ == "__main__":
    lines = []
    for path in sys.argv[2:]:
        with open(path) as f:
            for test in json.load(f):
                short = shorten(test)
                line = json.dumps(short, separators=(",", ":"))
                if short["records"] and not test["failed"] and len(line) <= LONGEST:
                    lines.append(line)
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as f:
        f.write(("[" + ",\n".join(sorted(lines)) + "]\n").encode())
