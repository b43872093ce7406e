"""Trains small XGBoost models of kinds that the other golden files do not have, and writes each with its answers.

    pip install xgboost-cpu==3.2.0 numpy pandas && python make_xgboost.py xgboost_3.2.json

Run with an old XGBoost to prove that files of that version are read: it leaves out what that version cannot do.
"""
import json
import sys
import tempfile

import numpy as np
import xgboost as xgb

SEED = 11
ROWS = 200
SHOWN = 32


def data():
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    x[:, 2] = rng.integers(0, 6, ROWS)
    x[rng.random((ROWS, 4)) < 0.08] = np.nan
    signal = np.nan_to_num(x[:, 0]) - 0.5 * np.nan_to_num(x[:, 1]) + (x[:, 2] == 2) + 0.2 * rng.normal(size=ROWS)
    return x, signal


def cases(x, signal):
    classes = np.digitize(signal, [-0.6, 0.6])
    targets = np.stack([signal, 2 * signal + 3, np.nan_to_num(x[:, 1])], 1)
    labels = (targets > 0.5) * 1.0
    vector = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
    categorical = {"categorical": True, "tree_method": "hist", "max_cat_to_onehot": 2}
    for objective in ["multi:softprob", "multi:softmax"]:
        many = {"num_class": 3}
        yield objective, many, classes
        yield objective, {**many, "booster": "dart", "rate_drop": 0.5, "skip_drop": 0}, classes
        yield objective, {**many, "booster": "gblinear"}, classes
        yield objective, {**many, "num_parallel_tree": 2, "subsample": 0.6}, classes
        yield objective, {**many, **categorical}, classes
        yield objective, {**many, **vector}, classes
        yield objective, {**many, "base_score": 0.5}, classes
    yield "reg:squarederror", {}, targets
    yield "reg:squarederror", {"booster": "gblinear"}, targets
    yield "reg:squarederror", {"booster": "dart", "rate_drop": 0.5}, targets
    yield "reg:squarederror", vector, targets
    yield "reg:squarederror", {**vector, **categorical}, targets
    yield "reg:squarederror", {**vector, "booster": "dart", "rate_drop": 0.5}, targets
    yield "binary:logistic", {}, labels
    yield "binary:logistic", vector, labels
    yield "reg:absoluteerror", {}, targets
    yield "reg:pseudohubererror", {}, targets
    yield "reg:tweedie", {}, np.exp(targets)
    yield "reg:quantileerror", {"quantile_alpha": [0.1, 0.5, 0.9]}, signal
    yield "reg:quantileerror", {"quantile_alpha": [0.1, 0.9], **vector}, signal
    yield "reg:expectileerror", {"expectile_alpha": [0.1, 0.9]}, signal
    for objective in ["reg:squarederror", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "reg:gamma"]:
        label = (signal > 0) * 1.0 if objective.startswith("binary") else np.exp(signal)
        yield objective, {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "cyclic"}, label


def train(x, label, objective, params):
    params = {"objective": objective, "max_depth": 3, "eta": 0.4, "seed": SEED, "nthread": 1, **params}
    kinds = {}
    if params.pop("categorical", False):
        kinds = {"feature_types": ["float", "float", "c", "float"], "enable_categorical": True}
    booster = xgb.train(params, xgb.DMatrix(x, label, **kinds), 3)
    answers = {}
    for ending in ["json", "ubj"]:
        with tempfile.NamedTemporaryFile(suffix="." + ending) as file:
            booster.save_model(file.name)
            answers[ending] = open(file.name, "rb").read()
            loaded = xgb.Booster(model_file=file.name)
    shown = xgb.DMatrix(edges(x, json.loads(answers["json"])), **kinds)
    return answers, loaded.predict(shown), loaded.predict(shown, output_margin=True)


def edges(x, model):
    """Rows of the data, of which some hold thresholds of the trees, both zeros, and categories that no data had."""
    rows = x[:SHOWN].copy()
    booster = model["learner"]["gradient_booster"]
    trees = (booster.get("gbtree") or booster)["model"].get("trees", [])
    cuts = [(tree["split_indices"][n], tree["split_conditions"][n]) for tree in trees
            for n in range(len(tree["left_children"])) if tree["left_children"][n] >= 0 and tree["split_type"][n] == 0]
    for row, (feature, cut) in zip(range(8, 24), cuts):
        rows[row, feature] = cut
    rows[0], rows[1], rows[2] = 0.0, -0.0, np.nan
    for row, category in zip(range(3, 8), [-1.0, 6.0, 77.0, 2.5, 2.0**24]):
        rows[row, 2] = category
    return rows


def numbers(array):
    return [[float(v) if np.isfinite(v) else str(v) for v in row] for row in np.asarray(array, np.float64).reshape(SHOWN, -1)]


def main(out):
    x, signal = data()
    written = []
    for objective, params, label in cases(x, signal):
        try:
            files, prediction, margin = train(x, label, objective, params)
        except Exception as error:  # something this version cannot do
            print("left out:", objective, params, str(error).splitlines()[0][:90])
            continue
        written.append({"objective": objective, "params": params, "model": files["json"].decode(), "ubj": files["ubj"].hex(),
                        "rows": numbers(edges(x, json.loads(files["json"]))), "prediction": numbers(prediction), "margin": numbers(margin)})
    with open(out, "w") as file:
        json.dump({"xgboost": xgb.__version__, "models": written}, file, indent=0)
    print(out, len(written), "models by XGBoost", xgb.__version__)


main(sys.argv[1])
