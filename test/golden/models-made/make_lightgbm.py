"""Trains small LightGBM models of every objective, booster and kind of split, and writes each with its answers.

    pip install lightgbm==4.7.0 numpy pandas && python make_lightgbm.py lightgbm_4.7.json

Run with an old LightGBM to prove that files of that version are read: it leaves out what that version cannot do.
"""
import json
import sys

import lightgbm as lgb
import numpy as np

SEED = 13
ROWS = 240
SHOWN = 32
TINY = float(np.float32(1e-35))


def data():
    rng = np.random.default_rng(SEED)
    x = np.round(rng.normal(size=(ROWS, 4)), 4)
    x[:, 2] = rng.integers(0, 70, ROWS)
    x[rng.random(ROWS) < 0.2, 3] = 0
    x[rng.random(ROWS) < 0.1, 0] = np.nan
    signal = np.nan_to_num(x[:, 0]) - 0.5 * x[:, 1] + (x[:, 2] % 3 == 2) + (x[:, 3] == 0) + 0.2 * rng.normal(size=ROWS)
    return x, signal


def cases(signal):
    binary = (signal > 0.3) * 1.0
    positive = np.exp(signal / 2)
    ranks = np.digitize(signal, [-0.5, 0.5, 1.5])
    share = 1 / (1 + np.exp(-signal))
    for objective in ["regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie"]:
        yield {"objective": objective}, positive
    for objective in ["regression", "regression_l1"]:
        yield {"objective": objective, "reg_sqrt": True}, signal * 3
    yield {"objective": "binary"}, binary
    yield {"objective": "binary", "sigmoid": 2.5, "is_unbalance": True}, binary
    yield {"objective": "cross_entropy"}, share
    yield {"objective": "cross_entropy_lambda"}, share
    yield {"objective": "lambdarank"}, ranks
    yield {"objective": "rank_xendcg"}, ranks
    yield {"objective": "none"}, signal
    classes = np.digitize(signal, [-0.3, 0.8])
    bagging = {"bagging_freq": 1, "bagging_fraction": 0.6}
    for objective in ["multiclass", "multiclassova"]:
        many = {"objective": objective, "num_class": 3}
        yield many, classes
        yield {**many, "sigmoid": 0.7}, classes
        yield {**many, "boosting": "dart", "drop_rate": 0.5}, classes
        yield {**many, "boosting": "rf", **bagging}, classes
        yield {**many, "categorical_feature": [2]}, classes
    yield {"objective": "regression", "boosting": "dart", "drop_rate": 0.5}, signal
    yield {"objective": "binary", "boosting": "rf", **bagging}, binary
    yield {"objective": "poisson", "boosting": "rf", **bagging}, positive
    yield {"objective": "regression", "data_sample_strategy": "goss"}, signal
    yield {"objective": "regression", "monotone_constraints": [1, -1, 0, 0]}, signal
    yield {"objective": "regression", "extra_trees": True, "path_smooth": 1.0}, signal
    for missing in [{"zero_as_missing": True}, {"use_missing": False}]:
        yield {"objective": "regression", **missing}, signal
        yield {"objective": "regression", **missing, "categorical_feature": [2]}, signal
    yield {"objective": "binary", "categorical_feature": [2], "max_cat_to_onehot": 100}, binary
    yield {"objective": "regression", "categorical_feature": [2, 3], "max_cat_threshold": 64}, signal
    for linear in [{}, {"categorical_feature": [2]}, {"zero_as_missing": True}]:
        yield {"objective": "regression", "linear_tree": True, **linear}, signal
    yield {"objective": "binary", "linear_tree": True}, binary
    yield {"objective": "regression", "min_data_in_leaf": ROWS}, signal
    yield {"objective": "multiclass", "num_class": 3, "min_data_in_leaf": ROWS}, classes


def train(x, label, params):
    params = {"num_leaves": 7, "min_data_in_leaf": 5, "learning_rate": 0.3, "seed": SEED, "verbose": -1, "num_threads": 1,
              "min_data_per_group": 5, "cat_smooth": 1, "deterministic": True, **params}
    x = x.copy()
    if 3 in params.get("categorical_feature", []):
        x[:, 3] = np.abs(np.round(x[:, 3] * 3))
    group = [ROWS // 10] * 10 if params["objective"] in ("lambdarank", "rank_xendcg") else None
    objective = {}
    if params["objective"] == "none":
        params["objective"] = lambda predictions, data: (predictions - data.get_label(), np.ones_like(predictions))
    booster = lgb.train(params, lgb.Dataset(x, label, group=group, free_raw_data=False), 4, **objective)
    text = booster.model_to_string()
    dumped = json.dumps(booster.dump_model())
    loaded = lgb.Booster(model_str=text)
    rows = edges(x, booster.dump_model())
    return text, dumped, rows, loaded


def edges(x, dumped):
    """Rows of the data, of which some hold thresholds of the trees, numbers about zero, and categories that no data had."""
    rows = x[:SHOWN].copy()
    cuts = []

    def visit(node):
        if "split_feature" in node:
            if node["decision_type"] == "<=":
                cuts.append((node["split_feature"], node["threshold"]))
            visit(node["left_child"])
            visit(node["right_child"])

    for tree in dumped["tree_info"]:
        visit(tree["tree_structure"])
    for row, (feature, cut) in zip(range(20, SHOWN), cuts):
        rows[row, feature] = cut
    rows[0], rows[1], rows[2], rows[3], rows[4] = 0.0, -0.0, np.nan, np.inf, -np.inf
    for row, value in zip(range(5, 9), [TINY, -TINY, np.nextafter(TINY, 1), -np.nextafter(TINY, 1)]):
        rows[row] = value
    for row, category in zip(range(9, 19), [-1.0, -2.0, 6.9, 77.0, 200.0, 2.0**24, 2.0**31, 1e300, 2.5, np.nan]):
        rows[row, 2:] = category
    return rows


def numbers(array):
    return [[float(v) if np.isfinite(v) else str(v) for v in row] for row in np.asarray(array, np.float64).reshape(SHOWN, -1)]


def main(out):
    x, signal = data()
    written = []
    for params, label in cases(signal):
        try:
            text, dumped, rows, loaded = train(x, label, params)
        except Exception as error:  # something this version cannot do
            print("left out:", params, str(error).splitlines()[0][:90])
            continue
        written.append({"params": params, "text": text, "json": dumped, "rows": numbers(rows),
                        "prediction": numbers(loaded.predict(rows)), "margin": numbers(loaded.predict(rows, raw_score=True)),
                        "leaf": np.asarray(loaded.predict(rows, pred_leaf=True)).reshape(SHOWN, -1).tolist()})
    with open(out, "w") as file:
        json.dump({"lightgbm": lgb.__version__, "models": written}, file, indent=0)
    print(out, len(written), "models by LightGBM", lgb.__version__)


main(sys.argv[1])
