"""Makes effects.json: `pip install scikit-learn PyALE`, then `python effects_reference.py`."""
import importlib.metadata
import json

import numpy as np
import pandas as pd
from PyALE import ale
from PyALE._src.ALE_1D import aleplot_1D_categorical
from PyALE._src.ALE_2D import aleplot_2D_continuous
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import r2_score

WORTH = np.array([0.0, 1.5, -1.0, 0.5, 2.0])
rng = np.random.default_rng(11)
N = 160
code = rng.integers(0, 5, N)
place = np.array([0.0, 3.0, 1.0, 4.0, 2.0])[code]
X = pd.DataFrame(
    {
        "a": np.round(rng.normal(size=N), 3),
        "b": np.round(place + rng.normal(size=N) * 0.5, 3),
        "c": np.round(rng.exponential(size=N), 2),
        "d": code,
        "e": np.minimum(rng.poisson(place), 6),
    }
)


class Formula(RegressorMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        a, b, c, d, e = np.asarray(X, dtype=float).T
        return a * b + np.sin(2 * c) + WORTH[d.astype(int)] * (1 + 0.1 * a) + 0.25 * e * e


model = Formula().fit(X)
M = X.to_numpy(dtype=float)


def pd_of(features, **more):
    found = partial_dependence(model, M, features, method="brute", kind="both", **more)
    individual = found["individual"][0]
    return {
        "grids": [grid.tolist() for grid in found["grid_values"]],
        "average": found["average"][0].ravel().tolist(),
        "individual": individual[:5].reshape(5, -1).tolist() if len(features) == 1 else None,
    }


def ale_of(**more):
    found = ale(X.copy(), model, include_CI=True, C=0.95, plot=False, **more)
    return {"values": [float(v) for v in found.index], "effects": found["eff"].tolist(), "sizes": found["size"].tolist()}


class Coded:
    """PyALE turns categories into texts."""

    def predict(self, X):
        return model.predict(X[["a", "b", "c", "d", "e"]].astype(float))


def ale_categorical():
    found = aleplot_1D_categorical(X.copy(), Coded(), "d", lambda col: col.astype(str).astype(float),
                                   ["a", "b", "c", "d", "e"], include_CI=False)
    return {"values": [float(v) for v in found.index], "effects": found["eff"].tolist(), "sizes": found["size"].tolist()}


def ale_of_two():
    found = aleplot_2D_continuous(X.copy(), model, ["a", "b"], grid_size=8)
    axes = [[float(v) for v in found.index], [float(v) for v in found.columns]]
    return {"values": axes, "effects": found.to_numpy().ravel().tolist()}


y = np.round(model.predict(M) + rng.normal(size=N), 3)
importance = permutation_importance(model, M, y, scoring="r2", n_repeats=400, random_state=0)
out = {
    "versions": {name: importlib.metadata.version(name) for name in ["scikit-learn", "PyALE", "numpy"]},
    "function": "a*b + sin(2c) + worth[d]*(1 + 0.1a) + 0.25e²",
    "worth": WORTH.tolist(),
    "rows": M.tolist(),
    "y": y.tolist(),
    "r2": r2_score(y, model.predict(M)),
    "partial_dependence": {
        "a": pd_of([0], grid_resolution=12),
        "e": pd_of([4], grid_resolution=12),
        "a_b": pd_of([0, 1], grid_resolution=6, percentiles=(0.1, 0.8)),
    },
    "ale": {
        "a": ale_of(feature=["a"], grid_size=10, feature_type="continuous"),
        "c": ale_of(feature=["c"], grid_size=25, feature_type="continuous"),
        "e": ale_of(feature=["e"], feature_type="discrete"),
        "d": ale_categorical(),
        "a_b": ale_of_two(),
    },
    "permutation": {"mean": importance.importances_mean.tolist(), "std": importance.importances_std.tolist()},
}
with open("effects.json", "w") as file:
    json.dump(out, file)
