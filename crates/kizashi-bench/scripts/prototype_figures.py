#!/usr/bin/env python3
"""The figures of the Python prototypes on exported series, which `kizashi-bench detectors` prints beside its own.

    prototype_figures.py BENCH DIR FIRST COUNT > ../data/prototypes.csv

BENCH is the folder of prototypes.py and scoring.py (../shared/bench), DIR that of export_series.py. Columns: detector, false alarms a
day allowed, threshold (phase: early and later apart; single: the larger of both), then recall within 24 h early and later, median
delay in hours early and later, false alarms a day early and later. Needs Python 3.11 with numpy, numba and scipy.
"""
import json
import os
import sys

bench, series, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.path.insert(0, bench)
sys.dont_write_bytecode = True
import numpy as np  # noqa: E402
import run_prototypes as run  # noqa: E402
from scoring import summary  # noqa: E402


def load(seed):
    with open(os.path.join(series, f"{seed}.json")) as file:
        described = json.load(file)
    counts = np.fromfile(os.path.join(series, f"{seed}.u16"), "<u2")
    return counts.reshape(described["bins"], described["ports"]).astype(np.float64), described["camps"]


traffic = [load(seed) for seed in range(first, first + count)]
print("detector,budget,threshold,recall_early,recall_later,delay_early,delay_later,false_early,false_later")
for name, detector in (("changefinder", run.d_changefinder), ("robust_z", run.d_robust_z),
                       ("focus", run.d_focus), ("bocpd", run.d_bocpd), ("gpe", run.d_gpe)):
    runs = []
    for counts, camps in traffic:
        scores, at = detector(run.prepare(counts))
        runs.append((scores, at, camps))
    for budget in (1.0, 1 / 7):
        for mode in ("phase", "single"):
            o = summary(runs, budget, mode=mode)
            print(f"{name},{budget:.6f},{mode},{o['r24e']:.6f},{o['r24l']:.6f},{o['de']:.4f},{o['dl']:.4f},"
                  f"{o['fe']:.6f},{o['fl']:.6f}", flush=True)
