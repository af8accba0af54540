#!/usr/bin/env python3
"""Reference of ChangeFinder over several series, independent of the Rust code: the block Toeplitz Yule-Walker equations of every order
are laid out as one dense system and solved by numpy, and scores come from numpy's determinant and solve.

    vector_changefinder.py OUT

writes OUT/vector_dD_kK.csv: the D values, then outlier score, smoothed score, change score (empty where there is none yet).
Needs numpy.
"""
import os
import sys

import numpy as np


def yule_walker(c, order):
    """omega_1..omega_m of the largest order whose innovations are all positive definite, at most `order`."""
    d = c[0].shape[0]
    lag = lambda j: c[j] if j >= 0 else c[-j].T
    omega = []
    for m in range(1, order + 1):
        gamma = np.block([[lag(j - i) for j in range(1, m + 1)] for i in range(1, m + 1)])
        scale = np.sqrt(np.tile(np.diag(c[0]), m))
        if np.linalg.eigvalsh((gamma + gamma.T) / 2 / np.outer(scale, scale)).min() <= 1e-9:
            break
        right = np.hstack([c[j] for j in range(1, m + 1)])
        flat = np.linalg.solve(gamma.T, right.T).T
        omega = [flat[:, i * d:(i + 1) * d] for i in range(m)]
    return omega


class Sdar:
    def __init__(self, r, k, d):
        self.r, self.k, self.d, self.n = r, k, d, 0
        self.sigma, self.c, self.omega, self.past = np.eye(d), [np.zeros((d, d)) for _ in range(k + 1)], [], []

    def predict(self):
        return self.mu + sum((w @ (x - self.mu) for w, x in zip(self.omega, self.past)), np.zeros(self.d))

    def step(self, x):
        self.n += 1
        if self.n == 1:
            self.mu, self.past = x.copy(), [x]
            return None
        error = x - self.predict()
        score = 0.5 * (self.d * np.log(2 * np.pi) + np.linalg.slogdet(self.sigma)[1] + error @ np.linalg.solve(self.sigma, error))
        r = self.r
        self.mu = (1 - r) * self.mu + r * x
        for j, other in enumerate([x] + self.past):
            if j <= self.k:
                self.c[j] = (1 - r) * self.c[j] + r * np.outer(x - self.mu, other - self.mu)
        self.omega = yule_walker(self.c, self.k) if self.n > self.d else []
        error = x - self.predict()
        self.sigma = (1 - r) * self.sigma + r * np.outer(error, error)
        self.past = ([x] + self.past)[:self.k]
        return score


def change_finder(series, r, k, smooth, smooth2):
    first, second, outliers, changes = Sdar(r, k, series.shape[1]), Sdar(r, k, 1), [], []
    for x in series:
        outlier = first.step(x)
        y = z = None
        if outlier is not None:
            outliers = (outliers + [outlier])[-smooth:]
            if len(outliers) == smooth:
                y = np.mean(outliers)
                score = second.step(np.array([y]))
                if score is not None:
                    changes = (changes + [score])[-smooth2:]
                    if len(changes) == smooth2:
                        z = np.mean(changes)
        yield outlier, y, z


if __name__ == "__main__":
    chance = np.random.default_rng(6)
    for d, k, r in ((2, 1, 0.05), (3, 2, 0.02), (4, 3, 0.05)):
        mixing = np.linalg.qr(chance.normal(size=(d, d)))[0] * 0.6
        series, x = [], np.zeros(d)
        for t in range(220):
            x = mixing @ x + chance.normal(size=d) * (1 + np.arange(d)) + (4 if t >= 150 else 0)
            series.append(np.round(10 + x, 3))
        with open(os.path.join(sys.argv[1], f"vector_d{d}_k{k}.csv"), "w") as file:
            for x, scores in zip(series, change_finder(np.array(series), r, k, 5, 3)):
                cells = [f"{value:.3f}" for value in x] + ["" if s is None else repr(float(s)) for s in scores]
                file.write(",".join(cells) + "\n")
