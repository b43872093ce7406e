"""Writes every kind of artifact that a Python worker loads, or refuses, into the folder in sys.argv[1]; what they answer to
the rows of `ROWS` stands in expected.json."""
import json
import os
import pickle
import shutil
import sys
import warnings

import cloudpickle
import joblib
import numpy
import pandas
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

warnings.simplefilter("ignore")
folder = sys.argv[1]
random = numpy.random.default_rng(7)
COUNT = 60
data = pandas.DataFrame({
    "age": random.integers(18, 90, COUNT),
    "balance": random.normal(1000, 300, COUNT),
    "place": random.choice(["Paris", "Rome", "Berlin"], COUNT),
})
numbers = data[["age", "balance"]]
binary = numpy.where(data["balance"] + random.normal(0, 50, COUNT) > 1000, "yes", "no")
classes = numpy.array(["high", "low", "middle"])[(data["balance"] // 250 % 3).astype(int)]
targets = numpy.stack([data["age"] * 2.0, data["balance"] / 3], axis=1)
ROWS = data.head(5)
expected = {}


def path(name):
    return os.path.join(folder, name)


def wrote(name, answers):
    answers = numpy.asarray(answers, dtype="f8")
    expected[name] = {"width": 1 if answers.ndim == 1 else answers.shape[1], "answers": answers.ravel().tolist()}


def pipeline(last):
    coder = make_column_transformer((OneHotEncoder(), ["place"]), remainder=StandardScaler())
    return make_pipeline(coder, last).fit(data, binary)


logistic = pipeline(LogisticRegression())
probability = logistic.predict_proba(ROWS)[:, 1]
with open(path("pickle"), "wb") as file:
    pickle.dump(logistic, file)
wrote("pickle", probability)
joblib.dump(logistic, path("joblib"))
wrote("joblib", probability)
for packed in ("gz", "z", "bz2", "xz"):
    joblib.dump(logistic, path(f"joblib.{packed}"))
    wrote(f"joblib.{packed}", probability)
skops.io.dump(logistic, path("skops"))
wrote("skops", probability)


class Scaled:
    """A class that no file but the artifact knows."""

    def __init__(self, model):
        self.model = model

    def predict(self, frame):
        return self.model.predict_proba(frame)[:, 1] * 100


with open(path("cloudpickle"), "wb") as file:
    cloudpickle.dump(Scaled(logistic), file)
wrote("cloudpickle", probability * 100)
with open(path("function"), "wb") as file:
    cloudpickle.dump(lambda frame: frame["age"] + frame["balance"], file)
wrote("function", ROWS["age"] + ROWS["balance"])

for name, model, given in (
    ("multiclass", RandomForestClassifier(5, random_state=0).fit(numbers, classes), ROWS[["age", "balance"]]),
    ("targets", LinearRegression().fit(numbers, targets), ROWS[["age", "balance"]]),
    ("regression", LinearRegression().fit(numbers, targets[:, 0]), ROWS[["age", "balance"]]),
    ("scores", SVC().fit(numbers, binary), ROWS[["age", "balance"]]),
    ("outliers", IsolationForest(n_estimators=10, random_state=0).fit(numbers), ROWS[["age", "balance"]]),
    ("matrix", LogisticRegression().fit(numbers.to_numpy(), binary), ROWS[["age", "balance"]].to_numpy()),
):
    with open(path(name), "wb") as file:
        pickle.dump(model, file)
    ask = getattr(model, "predict_proba", None) or getattr(model, "decision_function" if name == "scores" else "predict")
    found = ask(given)
    wrote(name, found[:, 1] if name == "matrix" else found)

gaps = numbers.copy()
gaps.loc[::3, "balance"] = numpy.nan
booster = HistGradientBoostingClassifier(max_iter=5).fit(gaps, binary)
with open(path("gaps"), "wb") as file:
    pickle.dump(booster, file)
wrote("gaps", booster.predict_proba(gaps.head(5))[:, 1])

import xgboost

coded = data.assign(place=data["place"].astype("category"))
trees = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True, base_score=0.5).fit(coded, binary == "yes")
with open(path("categories"), "wb") as file:
    pickle.dump(trees, file)
wrote("categories", trees.predict_proba(coded.head(5))[:, 1])
with open(path("booster"), "wb") as file:
    pickle.dump(trees.get_booster(), file)
wrote("booster", trees.get_booster().predict(xgboost.DMatrix(coded.head(5), enable_categorical=True)))

import mlflow.pyfunc
import mlflow.sklearn
from mlflow.models import infer_signature


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["age"] * 2.0 + model_input["balance"]


for name, save, answers in (
    ("mlflow-sklearn", lambda at: mlflow.sklearn.save_model(logistic, at, serialization_format="cloudpickle", pip_requirements=[]), probability),
    ("mlflow-python", lambda at: mlflow.pyfunc.save_model(at, python_model=Doubled(), signature=infer_signature(numbers.astype({"age": "int32"})), pip_requirements=[]),
     ROWS["age"] * 2.0 + ROWS["balance"]),
):
    save(path(name))
    for kind in ("zip", "gztar", "tar"):
        made = shutil.make_archive(path(name), kind, path(name))
        os.rename(made, path(f"{name}.{kind}"))
        wrote(f"{name}.{kind}", answers)
    shutil.rmtree(path(name))

for name, model in (
    ("several", MultiOutputClassifier(LogisticRegression()).fit(numbers, numpy.stack([binary, classes], axis=1))),
    ("nothing", {"a": 1}),
    ("scaler", StandardScaler().fit(numbers)),
):
    with open(path(name), "wb") as file:
        pickle.dump(model, file)
skops.io.dump({"strange": Scaled(1)}, path("stranger"))

with open(path("expected.json"), "w", encoding="ascii") as file:
    told = {"rows": ROWS.values.tolist(), "gaps": gaps.head(5)["balance"].fillna(-1).tolist(), "expected": expected}
    json.dump(told, file)
