#!/usr/bin/env python3
"""Small series and what the Python prototypes say of them, against which the ports are tested.

    prototype_vectors.py BENCH ../tests/vectors

BENCH is the folder of prototypes.py (../shared/bench). Writes counts.csv (ten days of six ports, one line a ten-minute bin) and for
each prototype NAME.csv: row, then the score of each port, every seventh row. Needs Python 3.11 with numpy, numba and scipy.
"""
import os
import sys

bench, out = sys.argv[1], sys.argv[2]
sys.path.insert(0, bench)
sys.dont_write_bytecode = True
import numpy as np  # noqa: E402
import run_prototypes as run  # noqa: E402
from prototypes import cf_matrix, cfw_matrix, rebin  # noqa: E402

chance = np.random.default_rng(20)
bins = 10 * 144
rates = np.array([0.01, 0.05, 0.3, 1.0, 4.0, 12.0])
day = 1 + 0.4 * np.cos(2 * np.pi * np.arange(bins) / 144)
counts = chance.poisson(rates[None, :] * day[:, None])
counts[900:1100, 1] += chance.poisson(0.5, 200)
counts[300:420, 2] += chance.poisson(1.5, 120)
counts[1000:, 4] += chance.poisson(4.0, bins - 1000)
counts[600:612] = 0
os.makedirs(out, exist_ok=True)
np.savetxt(os.path.join(out, "counts.csv"), counts, fmt="%d", delimiter=",")
context = run.prepare(counts.astype(np.float64))
tuned = dict(r=0.02, k=2, T1=5, T2=3, floor=0.1, prior=True, onesided=True)
scores = dict(changefinder=run.d_changefinder(context)[0], changefinder_one_sided=cf_matrix(rebin(context[0], 36), **tuned),
              changefinder_warm=cfw_matrix(context[0], 6, "none", 0.02, 2, 5, 3, True),
              robust_z=run.d_robust_z(context)[0], focus=run.d_focus(context)[0], bocpd=run.d_bocpd(context)[0],
              gpe=run.d_gpe(context)[0])
for name, matrix in scores.items():
    every = 7 if len(matrix) > 100 else 1
    with open(os.path.join(out, f"{name}.csv"), "w") as file:
        for row in range(0, len(matrix), every):
            file.write(f"{row}," + ",".join(f"{score:.10g}" for score in matrix[row]) + "\n")
