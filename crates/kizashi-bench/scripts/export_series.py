#!/usr/bin/env python3
"""Exports synthetic traffic of the Python generator for `kizashi-bench --series DIR`.

    export_series.py BENCH DIR FIRST COUNT

BENCH is the folder of traffic.py (../shared/bench). For each seed two files are written into DIR, where they are not yet there:
SEED.u16   distinct sources, unsigned 16-bit little-endian, bins x ports, row by row
SEED.json  seed, bins, ports, camps (port, onset and end bin, added and base sources an hour, shape, early, sources), nu (true rates a bin)
Needs Python 3.11 and numpy.
"""
import json
import os
import sys

bench, out, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.path.insert(0, bench)
sys.dont_write_bytecode = True
from traffic import make  # noqa: E402

os.makedirs(out, exist_ok=True)
for seed in range(first, first + count):
    described = os.path.join(out, f"{seed}.json")
    if os.path.exists(described):
        continue
    traffic = make(seed)
    sources = traffic["src"]
    assert sources.max() < 65536
    sources.astype("<u2").tofile(os.path.join(out, f"{seed}.u16"))
    with open(described + ".part", "w") as file:
        json.dump(dict(seed=seed, bins=sources.shape[0], ports=sources.shape[1], camps=traffic["camps"],
                       nu=[float(rate) for rate in traffic["nu"]]), file)
    os.replace(described + ".part", described)
    print(seed, flush=True)
