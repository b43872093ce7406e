"""What notebooks do: autologging of three libraries, nested runs, evaluations, traces."""
import warnings

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from recording import fails, part, seen
from tracking import told

client = MlflowClient()
chance = np.random.default_rng(7)
X = pd.DataFrame(chance.normal(size=(80, 3)), columns=["age", "tenure", "balance"])
Y = (X["age"] + 0.5 * X["tenure"] + 0.1 * chance.normal(size=80) > 0).astype(int)


def summary(run_id):
    run = told(client.get_run(run_id))
    files = []

    def walk(path):
        for one in client.list_artifacts(run_id, path):
            if one.is_dir:
                walk(one.path)
            else:
                files.append(one.path)

    walk(None)
    # How long something took, and what the clock had a say in, is not compared.
    run["tags"] = {key: value for key, value in run["tags"].items() if key not in ("mlflow.log-model.history", "mlflow.runName")}
    run["info"].pop("name")
    run["files"] = sorted(files)
    return run


def logged_by_itself():
    with part("autolog"):
        mlflow.set_experiment("autologged")
        mlflow.sklearn.autolog(log_input_examples=True, silent=True)
        with mlflow.start_run() as run:
            make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
        seen("scikit-learn", summary(run.info.run_id))
        with mlflow.start_run() as run:
            GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
        seen("a search", summary(run.info.run_id))
        children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
        seen("its children", sorted(one.data.params["C"] for one in children))
        mlflow.sklearn.autolog(disable=True)
        mlflow.xgboost.autolog(silent=True, model_format="json")
        with mlflow.start_run() as run:
            xgb.train({"objective": "binary:logistic", "max_depth": 2, "eval_metric": "logloss", "nthread": 1}, xgb.DMatrix(X, Y), 5, evals=[(xgb.DMatrix(X, Y), "train")], verbose_eval=False)
        seen("XGBoost", summary(run.info.run_id))
        seen("its history", [one.step for one in client.get_metric_history(run.info.run_id, "train-logloss")])
        mlflow.xgboost.autolog(disable=True)
        mlflow.lightgbm.autolog(silent=True)
        with mlflow.start_run() as run:
            lgb.train({"objective": "binary", "num_leaves": 4, "verbose": -1, "metric": "binary_logloss", "num_threads": 1}, lgb.Dataset(X, Y), 5, valid_sets=[lgb.Dataset(X, Y)], valid_names=["train"])
        seen("LightGBM", summary(run.info.run_id))
        mlflow.lightgbm.autolog(disable=True)


def nested():
    with part("nested runs"):
        mlflow.set_experiment("nested")
        with mlflow.start_run(run_name="outer", description="outer words", tags={"k": "v"}) as outer:
            for at in range(2):
                with mlflow.start_run(run_name=f"inner {at}", nested=True, log_system_metrics=False):
                    mlflow.log_metrics({"loss": at, "more": 1.0}, step=at)
            mlflow.log_figure_is_used = False
            mlflow.log_params({f"p{at}": at for at in range(120)})
            mlflow.log_table({"a": [1, 2], "b": ["x", "y"]}, "table.json")
            mlflow.set_tags({"mlflow.note.content": "note"})
        seen("outer", summary(outer.info.run_id))
        inner = client.search_runs([outer.info.experiment_id], f"tags.mlflow.parentRunId = '{outer.info.run_id}'", order_by=["metrics.loss"])
        seen("inner", [told(one)["tags"].get("mlflow.runName") for one in inner])
        try:
            with mlflow.start_run(run_name="broken"):
                raise ValueError("no")
        except ValueError:
            pass
        seen("broken", [one.info.status for one in client.search_runs([outer.info.experiment_id], "run_name = 'broken'")])
        with mlflow.start_run(run_id=outer.info.run_id):
            mlflow.log_metric("resumed", 1)
        seen("resumed", told(client.get_run(outer.info.run_id))["metrics"])


def evaluated():
    with part("evaluate"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.set_experiment("evaluated")
        fitted = LogisticRegression().fit(X, Y)
        with mlflow.start_run() as run:
            logged = mlflow.sklearn.log_model(fitted, name="clf", signature=infer_signature(X, fitted.predict(X)), pip_requirements=["scikit-learn"], serialization_format="cloudpickle")
            result = mlflow.models.evaluate(logged.model_uri, X.assign(y=Y), targets="y", model_type="classifier", evaluator_config={"log_explainer": False, "log_model_explainability": False})
        seen("metrics", {key: round(float(value), 6) for key, value in sorted(result.metrics.items())})
        seen("run", {**summary(run.info.run_id), "metrics": sorted(client.get_run(run.info.run_id).data.metrics)})
        seen("of the model", sorted(one.key for one in client.get_logged_model(logged.model_id).metrics or []))


def traced():
    with part("traces"):
        experiment = mlflow.set_experiment("traced")

        @mlflow.trace(name="double")
        def double(x):
            with mlflow.start_span("inner") as span:
                span.set_inputs({"x": x})
                span.set_outputs(2 * x)
            return 2 * x

        double(4)
        mlflow.flush_trace_async_logging()
        fails("searched", lambda: len(mlflow.search_traces(locations=[experiment.experiment_id], return_type="list")))
