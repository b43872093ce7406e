"""Logs one model of each kind, and writes how each is called, what goes in and what its own library answers: models.py OUT"""
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

chance = np.random.default_rng(3)
X = pd.DataFrame(chance.normal(size=(200, 3)).astype(np.float32).astype(float), columns=["age", "tenure", "balance"])
Y = (X["age"] + 0.5 * X["tenure"] > 0).astype(int)
ROWS = X.head(5)
made = []


def tell(name, uri, answers, **more):
    made.append({"name": name, "uri": uri, "rows": ROWS.to_dict("records"), "answers": [float(one) for one in answers], **more})


mlflow.set_experiment("servable")
signature = infer_signature(X, Y)
few = ["scikit-learn"]
with mlflow.start_run() as run:
    X.assign(y=Y).to_csv("train.csv", index=False)
    mlflow.log_artifact("train.csv", "data")
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgb.DMatrix(X, Y), 10)
    logged = mlflow.xgboost.log_model(booster, name="booster", signature=signature, pip_requirements=few)
    tell("xgboost", logged.model_uri, booster.predict(xgb.DMatrix(ROWS)))
    classifier = xgb.XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1).fit(X, Y)
    logged = mlflow.xgboost.log_model(classifier, name="classifier", signature=signature, pip_requirements=few, model_format="json")
    tell("xgboost-classifier", logged.model_uri, classifier.predict_proba(ROWS)[:, 1])
    light = lgb.train({"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}, lgb.Dataset(X, Y), 10)
    logged = mlflow.lightgbm.log_model(light, name="light", signature=signature, pip_requirements=few, registered_model_name="light")
    tell("light", "models:/light/1", light.predict(ROWS), registered=True)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_numpy(np.float32), Y)
    logged = mlflow.onnx.log_model(to_onnx(linear, X.to_numpy(np.float32)[:1], options={"zipmap": False}), name="onnx", signature=signature, pip_requirements=few)
    tell("onnx", f"runs:/{run.info.run_id}/onnx", linear.predict_proba(ROWS.to_numpy(np.float32))[:, 1])
    forest = GradientBoostingClassifier(n_estimators=10, random_state=0).fit(X, Y)
    named = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    logged = mlflow.sklearn.log_model(named, name="skops", signature=signature, pip_requirements=few, serialization_format="skops")
    tell("sklearn-skops", logged.model_uri, named.predict_proba(ROWS)[:, 1])
    logged = mlflow.sklearn.log_model(forest, name="pickle", signature=signature, pip_requirements=few, serialization_format="cloudpickle")
    tell("sklearn-pickle", logged.model_uri, forest.predict_proba(ROWS)[:, 1], code=True)

    class Sum(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input["age"] + model_input["tenure"]

    logged = mlflow.pyfunc.log_model(python_model=Sum(), name="sum", signature=infer_signature(X, X["age"]), pip_requirements=few)
    tell("python-function", logged.model_uri, ROWS["age"] + ROWS["tenure"], code=True)

with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"models": made, "data": f"runs:/{run.info.run_id}/data/train.csv"}, file)
