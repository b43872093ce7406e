#!/usr/bin/env python3
"""Writes validation.json beside this file: splits, paired comparisons and calibration, from stock libraries.

Needs numpy, scipy, scikit-learn and statsmodels. DeLong's covariance is computed from its definition, over all pairs; Tango's
interval by maximising the likelihood numerically under each difference.
"""
import json
import warnings
from pathlib import Path

import numpy
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from sklearn import model_selection as ms
from statsmodels.stats.contingency_tables import mcnemar

warnings.filterwarnings("ignore")
rng = numpy.random.default_rng(7)


def folds(splitter, n, y=None, groups=None):
    """The test's rows of each split; where training is not all the rest, its first and last row too."""
    found = []
    for train, test in splitter.split(numpy.zeros((n, 1)), y, groups):
        found.append({"test": test.tolist(), "train_n": len(train), "train_sum": int(train.sum())})
    return found


def splits():
    cases = []
    for n, k, several in [(60, 5, 12), (61, 4, 12), (17, 3, 12), (200, 7, 12), (300, 6, 90)]:
        y = rng.choice(4, size=n, p=[0.5, 0.3, 0.15, 0.05])
        y[:k] = 0
        y = rng.permutation(y)
        groups = rng.integers(0, several, size=n) * 3
        case = {"n": n, "k": k, "y": y.tolist(), "groups": groups.tolist()}
        case["kfold"] = folds(ms.KFold(k), n)
        case["stratified"] = folds(ms.StratifiedKFold(k), n, y)
        for seed in (0, 42, 4294967295):
            case[f"kfold_{seed}"] = folds(ms.KFold(k, shuffle=True, random_state=seed), n)
            case[f"stratified_{seed}"] = folds(ms.StratifiedKFold(k, shuffle=True, random_state=seed), n, y)
            case[f"stratified_group_{seed}"] = folds(ms.StratifiedGroupKFold(k, shuffle=True, random_state=seed), n, y, groups)
            case[f"group_{seed}"] = folds(ms.GroupKFold(k, shuffle=True, random_state=seed), n, groups=groups)
        case["group"] = folds(ms.GroupKFold(k), n, groups=groups)
        case["stratified_group"] = folds(ms.StratifiedGroupKFold(k), n, y, groups)
        case["leave_one_group_out"] = folds(ms.LeaveOneGroupOut(), n, groups=groups)
        case["time_series"] = folds(ms.TimeSeriesSplit(k), n)
        case["time_series_gap"] = folds(ms.TimeSeriesSplit(k, gap=1, max_train_size=5, test_size=2), n)
        cases.append(case)
    return cases


def tango(b, c, n, level=0.95):
    z = stats.norm.ppf((1 + level) / 2)

    def distance(d):
        """(b - c - n d) over its standard error at the likeliest probabilities whose difference is d."""
        def loss(q):
            p12, rest = q + d, 1 - 2 * q - d
            terms = [(b, p12), (c, q), (n - b - c, rest)]
            return -sum(count * numpy.log(p) for count, p in terms if count > 0)
        low, high = max(0, -d), (1 - d) / 2
        q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
        return (b - c - n * d) / numpy.sqrt(n * (2 * q + d * (1 - d)))

    seen = (b - c) / n
    edge = 1e-9
    low = optimize.brentq(lambda d: distance(d) - z, -1 + edge, seen - edge) if distance(-1 + edge) > z else -1
    high = optimize.brentq(lambda d: distance(d) + z, seen + edge, 1 - edge) if distance(1 - edge) < -z else 1
    return [low, high]


def pairs():
    found = []
    for b, c, n in [(0, 0, 30), (0, 1, 44), (5, 1, 40), (12, 9, 50), (30, 3, 120), (101, 59, 794), (250, 300, 5000)]:
        table = [[n - b - c, b], [c, 0]]
        exact = mcnemar(table, exact=True).pvalue if b + c else 1.0
        mid = exact - stats.binom.pmf(min(b, c), b + c, 0.5) if b != c else 1 - stats.binom.pmf(b, b + c, 0.5)
        found.append({"b": b, "c": c, "n": n, "exact": exact, "mid": mid if b + c else 1.0,
                      "tango": tango(b, c, n) if b + c else None})
    return found


def delong(y, first, second):
    pos, neg = y == 1, y == 0

    def psi(s):
        greater = (s[pos][:, None] > s[neg][None, :]) + 0.5 * (s[pos][:, None] == s[neg][None, :])
        return greater
    a, b = psi(first), psi(second)
    v10 = numpy.stack([a.mean(axis=1), b.mean(axis=1)])
    v01 = numpy.stack([a.mean(axis=0), b.mean(axis=0)])
    s = numpy.cov(v10) / pos.sum() + numpy.cov(v01) / neg.sum()
    value = a.mean() - b.mean()
    error = numpy.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return {"auc": [a.mean(), b.mean()], "se": error, "p": 2 * stats.norm.sf(abs(value) / error) if error > 0 else 1.0,
            "low": value - stats.norm.ppf(0.975) * error, "high": value + stats.norm.ppf(0.975) * error}


def areas():
    found = []
    for n, step in [(40, 0.1), (150, 0.05), (600, 0)]:
        y = (rng.random(n) < 0.3).astype(int)
        truth = rng.normal(size=n) + 1.1 * y
        first, second = truth + rng.normal(size=n) * 0.5, truth + rng.normal(size=n)
        first, second = (numpy.round(1 / (1 + numpy.exp(-s)), 4) for s in (first, second))
        if step:
            first, second = numpy.round(numpy.round(first / step) * step, 4), numpy.round(numpy.round(second / step) * step, 4)
        found.append({"y": y.tolist(), "first": first.tolist(), "second": second.tolist(), **delong(y, first, second)})
    return found


def calibration():
    found = []
    for n, slope, shift in [(80, 1, 0), (400, 0.6, 0.4), (1500, 1.5, -0.3)]:
        odds = rng.normal(size=n) * 1.5 - 0.5
        p = numpy.round(1 / (1 + numpy.exp(-odds)), 5)
        odds = numpy.log(p / (1 - p))
        y = (rng.random(n) < 1 / (1 + numpy.exp(-(shift + slope * odds)))).astype(int)
        line = sm.Logit(y, sm.add_constant(odds)).fit(disp=0, tol=1e-12)
        large = sm.GLM(y, numpy.ones((n, 1)), family=sm.families.Binomial(), offset=odds).fit(tol=1e-14)
        variance = ((1 - 2 * p) ** 2 * p * (1 - p)).sum()
        z = ((y - p) * (1 - 2 * p)).sum() / numpy.sqrt(variance)
        found.append({"y": y.tolist(), "p": p.tolist(),
                      "slope": line.params[1], "slope_ci": line.conf_int()[1].tolist(),
                      "large": large.params[0], "large_ci": large.conf_int()[0].tolist(),
                      "z": z, "z_p": 2 * stats.norm.sf(abs(z))})
    return found


versions = {m.__name__: m.__version__ for m in (numpy, scipy, sklearn, statsmodels)}
result = {"versions": versions, "splits": splits(), "pairs": pairs(), "areas": areas(), "calibration": calibration()}
text = json.dumps(result, separators=(",", ":"), default=float)
Path(__file__).with_name("validation.json").write_text(text + "\n")
