"""Trains one small model for each objective, booster and kind of tree, and writes it with its predictions.

    pip install xgboost-cpu==3.2.0 numpy pandas && python xgboost_objectives.py xgboost_objectives_3.2.json

Run with an old XGBoost to prove that files of that version are read: it leaves out what that version cannot do.
"""
import json
import sys
import tempfile

import numpy as np
import xgboost as xgb

SEED = 7
ROWS = 240
SHOWN = 80


def data():
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    x[:, 2] = rng.integers(0, 6, ROWS)
    x[rng.random((ROWS, 4)) < 0.08] = np.nan
    x[:, 2] = np.where(np.isnan(x[:, 2]), 0, x[:, 2])
    signal = np.nan_to_num(x[:, 0]) - 0.5 * np.nan_to_num(x[:, 1]) + (x[:, 2] == 2)
    return x, signal + 0.3 * rng.normal(size=ROWS), rng


def cases(signal):
    binary = (signal > 0).astype(np.float32)
    positive = np.exp(signal)
    count = np.floor(positive)
    yield "binary:logistic", {}, binary
    yield "binary:logistic", {"base_score": 0.2}, binary
    yield "binary:logistic", {"num_parallel_tree": 3, "subsample": 0.7}, binary
    yield "binary:logistic", {"booster": "dart", "rate_drop": 0.5}, binary
    yield "binary:logistic", {"grow_policy": "lossguide", "tree_method": "hist", "max_leaves": 24, "max_depth": 0}, binary
    yield "binary:logitraw", {}, binary
    yield "binary:hinge", {}, binary
    yield "reg:squarederror", {}, signal
    yield "reg:squarederror", {"booster": "dart", "rate_drop": 0.5, "normalize_type": "forest"}, signal
    yield "reg:squaredlogerror", {}, positive
    yield "reg:logistic", {}, 1 / (1 + np.exp(-signal))
    yield "reg:pseudohubererror", {}, signal
    yield "reg:absoluteerror", {}, signal
    yield "reg:quantileerror", {"quantile_alpha": 0.3}, signal
    yield "count:poisson", {}, count
    yield "reg:gamma", {}, positive
    yield "reg:tweedie", {"tweedie_variance_power": 1.3}, count
    yield "survival:cox", {}, np.where(signal > 0.5, -positive, positive)
    yield "survival:aft", {}, positive
    yield "rank:pairwise", {}, np.clip(count, 0, 3)
    yield "rank:ndcg", {}, np.clip(count, 0, 3)
    yield "rank:map", {}, binary
    yield "reg:squarederror", {"categorical": True, "tree_method": "hist", "max_cat_to_onehot": 1}, signal
    yield "binary:logistic", {"categorical": True, "tree_method": "hist", "max_cat_to_onehot": 100}, binary


def train(x, label, objective, params):
    params = {"objective": objective, "max_depth": 3, "eta": 0.4, "seed": SEED, "nthread": 1, **params}
    kinds = {}
    if params.pop("categorical", False):
        kinds = {"feature_types": ["float", "float", "c", "float"], "enable_categorical": True}
    matrix = xgb.DMatrix(x, label, **kinds)
    if objective.startswith("rank"):
        matrix.set_group([ROWS // 10] * 10)
    if objective == "survival:aft":
        matrix.set_float_info("label_lower_bound", label)
        matrix.set_float_info("label_upper_bound", label * 1.5)
    booster = xgb.train(params, matrix, 6)
    shown = xgb.DMatrix(x[:SHOWN], **kinds)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        booster.save_model(file.name)
        text = open(file.name).read()
    loaded = xgb.Booster()
    with tempfile.NamedTemporaryFile(suffix=".json", mode="w") as file:
        file.write(text)
        file.flush()
        loaded.load_model(file.name)
    return text, loaded.predict(shown), loaded.predict(shown, output_margin=True)


def numbers(array):
    return [float(v) if np.isfinite(v) else str(v) for v in np.asarray(array, dtype=np.float64)]


def main(out):
    x, signal, _ = data()
    written = []
    for objective, params, label in cases(signal):
        try:
            text, prediction, margin = train(x, label, objective, params)
        except Exception as error:  # an objective this version does not know
            print("left out:", objective, params, str(error).splitlines()[0][:90])
            continue
        written.append({"objective": objective, "params": params, "model": text,
                        "prediction": numbers(prediction), "margin": numbers(margin)})
    rows = [[None if np.isnan(v) else float(v) for v in row] for row in x[:SHOWN]]
    with open(out, "w") as file:
        json.dump({"xgboost": xgb.__version__, "rows": rows, "models": written}, file, indent=0)
    print(out, len(written), "models by XGBoost", xgb.__version__)


main(sys.argv[1])
