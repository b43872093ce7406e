"""Fits models with scikit-learn into a folder, each with its data and model.yaml, and prints what scikit-learn measures.

    python validate_models.py FOLDER
"""
import json
import pickle
import sys
from pathlib import Path

import numpy
import pandas
from sklearn import metrics
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

FOLDER = Path(sys.argv[1])
rng = numpy.random.default_rng(3)


def table(rows):
    x = pandas.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    return x.assign(region=rng.choice(["north", "south"], size=rows))


def write(name, model, train, held, columns):
    folder = FOLDER / name
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    train.to_csv(folder / "train.csv", index=False)
    held.to_csv(folder / "held.csv", index=False)
    (folder / "model.yaml").write_text(
        f"name: {name}\nversion: 1.0.0\nartifact: model.pkl\nreference: train.csv\nevaluation: held.csv\ntarget: y\n"
        "trust: code\npython: {}\nvalidation: {slices: {columns: [region]}}\n")
    return model.predict(held[columns])


def binary():
    columns = ["a", "b", "c"]
    train, held = (t.assign(y=(rng.random(len(t)) < 1 / (1 + numpy.exp(-t.a + t.b))).astype(int)) for t in (table(600), table(500)))
    model = LogisticRegression().fit(train[columns], train.y)
    called = write("binary", model, train, held, columns)
    p, y = model.predict_proba(held[columns])[:, 1], held.y
    return {"accuracy": metrics.accuracy_score(y, called), "f1_score": metrics.f1_score(y, called),
            "precision": metrics.precision_score(y, called), "recall": metrics.recall_score(y, called),
            "auc_roc": metrics.roc_auc_score(y, p), "average_precision": metrics.average_precision_score(y, p),
            "log_loss": metrics.log_loss(y, p), "brier": metrics.brier_score_loss(y, p)}


def several():
    columns = ["a", "b", "c"]
    train, held = (t.assign(y=(numpy.digitize(t.a + 0.7 * rng.normal(size=len(t)), [-0.6, 0.6]))) for t in (table(600), table(500)))
    model = RandomForestClassifier(25, max_depth=4, random_state=0).fit(train[columns], train.y)
    called = write("several", model, train, held, columns)
    p, y = model.predict_proba(held[columns]), held.y
    return {"accuracy": metrics.accuracy_score(y, called), "log_loss": metrics.log_loss(y, p),
            "f1_macro": metrics.f1_score(y, called, average="macro"), "f1_weighted": metrics.f1_score(y, called, average="weighted"),
            "auc_ovr": metrics.roc_auc_score(y, p, multi_class="ovr"), "auc_ovo": metrics.roc_auc_score(y, p, multi_class="ovo")}


def values():
    columns = ["a", "b", "c"]
    train, held = (t.assign(y=2 * t.a - t.b + rng.normal(size=len(t))) for t in (table(600), table(500)))
    model = LinearRegression().fit(train[columns], train.y)
    answers = write("values", model, train, held, columns)
    y = held.y
    return {"mae": metrics.mean_absolute_error(y, answers), "mse": metrics.mean_squared_error(y, answers),
            "rmse": metrics.root_mean_squared_error(y, answers), "r2": metrics.r2_score(y, answers)}


print(json.dumps({"binary": binary(), "several": several(), "values": values()}))
