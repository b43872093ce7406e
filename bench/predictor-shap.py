"""The other side of bench/predictor-shap.ts: trains the models, and computes SHAP values with the libraries they come from.

python predictor-shap.py FOLDER; then a line "MODEL PEER ROWS" on stdin is answered by the seconds it took.
"""

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm
import numpy as np
import shap
import xgboost

TRAINING_ROWS = 50_000
ROWS = 4096
COMPARED_ROWS = 64
# name: library, features, categorical features, trees, depth or leaves
MODELS = {
    "small": ("xgboost", 7, 0, 100, 6),
    "large": ("xgboost", 30, 0, 500, 6),
    "deep": ("xgboost", 7, 0, 100, 10),
    "categorical": ("xgboost", 7, 3, 100, 6),
    "leaves": ("lightgbm", 7, 0, 100, 31),
}
CATEGORIES = 12


def population(random, rows, features, categorical):
    """Rows with 5 % missing values, and a target that features move together. The last columns are codes of categories."""
    values = random.normal(size=(rows, features)).astype(np.float32)
    for column in range(features - categorical, features):
        values[:, column] = random.integers(0, CATEGORIES, rows)
    signal = values[:, 0] * values[:, 1] + np.sin(3 * values[:, 2]) + 0.3 * values[:, 3] ** 2
    for column in range(features - categorical, features):
        signal = signal + np.sin(values[:, column] * 2.4)
    target = (signal + 0.5 * random.normal(size=rows) > 0.4).astype(int)
    values[random.random(values.shape) < 0.05] = np.nan
    return values, target


class Subject:
    def __init__(self, folder, name):
        self.library, features, self.categorical, trees, size = MODELS[name]
        random = np.random.default_rng(features + trees + size)
        values, target = population(random, TRAINING_ROWS, features, self.categorical)
        self.rows = population(random, ROWS, features, self.categorical)[0].astype(np.float64)
        ending = "json" if self.library == "xgboost" else "txt"
        path = os.path.join(folder, f"{name}.{ending}")
        if self.library == "xgboost":
            options = dict(objective="binary:logistic", max_depth=size, eta=0.1, tree_method="hist", nthread=1)
            self.model = xgboost.train(options, self.matrix(values, target), trees)
            self.model.save_model(path)
        else:
            options = dict(objective="binary", num_leaves=size, learning_rate=0.1, num_threads=1, verbose=-1)
            self.model = lightgbm.train(options, lightgbm.Dataset(values.astype(np.float64), target), trees)
            self.model.save_model(path)
        self.rows.tofile(os.path.join(folder, f"{name}.rows"))
        self.explain("library", COMPARED_ROWS)[:, :features].astype(np.float64).tofile(
            os.path.join(folder, f"{name}.contributions")
        )

    def matrix(self, values, target=None):
        types = ["q"] * (values.shape[1] - self.categorical) + ["c"] * self.categorical
        return xgboost.DMatrix(values, target, feature_types=types, enable_categorical=True, nthread=1)

    def explain(self, peer, rows):
        values = np.tile(self.rows, (-(-rows // ROWS), 1))[:rows]
        if peer == "shap":
            return self.forced().shap_values(values, check_additivity=False)
        if self.library == "xgboost":
            return self.model.predict(self.matrix(values), pred_contribs=True)
        return self.model.predict(values, pred_contrib=True, num_threads=1)

    def forced(self):
        """shap's own C extension: it hands XGBoost's and LightGBM's models back to them otherwise."""
        explainer = shap.TreeExplainer(self.model, feature_perturbation="tree_path_dependent")
        explainer.model.model_type = "internal"
        return explainer

    def seconds(self, peer, rows):
        explainer = self.forced() if peer == "shap" else None
        started = time.perf_counter()
        if explainer is None:
            self.explain(peer, rows)
        else:
            explainer.shap_values(np.tile(self.rows, (-(-rows // ROWS), 1))[:rows], check_additivity=False)
        return time.perf_counter() - started


def main():
    folder = sys.argv[1]
    subjects = {name: Subject(folder, name) for name in sys.argv[2].split(",")}
    versions = {module.__name__: module.__version__ for module in (shap, xgboost, lightgbm, np)}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        name, peer, rows = line.split()
        try:
            print(subjects[name].seconds(peer, int(rows)), flush=True)
        except NotImplementedError:  # shap and categories
            print("NaN", flush=True)


main()
