"""Experiments, runs, what is logged into them, and how they are searched for."""
import math
import os
import tempfile

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

from recording import fails, part, seen

client = MlflowClient()


def told(run):
    info = run.info
    return {
        "info": {"status": info.status, "stage": info.lifecycle_stage, "experiment": info.experiment_id, "uri": info.artifact_uri,
                 "name": info.run_name, "user": info.user_id},
        "metrics": {key: repr(value) for key, value in sorted(run.data.metrics.items())},
        "params": dict(sorted(run.data.params.items())),
        "tags": {key: value for key, value in sorted(run.data.tags.items()) if not key.startswith("mlflow.source")},
        "inputs": [[one.dataset.name, one.dataset.digest, one.dataset.source_type, [[tag.key, tag.value] for tag in one.tags]]
                   for one in run.inputs.dataset_inputs],
        # Of several, the order is nobody's promise.
        "outputs": sorted(one.step for one in (run.outputs.model_outputs if run.outputs else [])),
    }


def experiments():
    with part("experiments"):
        first = client.create_experiment("alpha", tags={"team": "a", "area": "churn"})
        second = client.create_experiment("Beta ü", artifact_location="mlflow-artifacts:/beta")
        client.create_experiment("gamma")
        fails("a name twice", lambda: client.create_experiment("alpha"))
        fails("no name", lambda: client.create_experiment(""))
        fails("a long name", lambda: client.create_experiment("n" * 501))
        client.set_experiment_tag(first, "team", "b")
        client.set_experiment_tag(first, "note", "line\nline ü")
        client.delete_experiment_tag(first, "area")
        fails("a tag that is not there", lambda: client.delete_experiment_tag(first, "area"))
        seen("one", dict(client.get_experiment(first)))
        seen("by name", dict(client.get_experiment_by_name("Beta ü")))
        seen("by a name that is not there", client.get_experiment_by_name("nobody"))
        fails("an id that is not there", lambda: client.get_experiment("12345"))
        fails("an id that is none", lambda: client.get_experiment("abc"))
        client.rename_experiment(second, "beta")
        client.delete_experiment(second)
        fails("renaming a deleted one", lambda: client.rename_experiment(second, "x"))
        fails("a run in a deleted one", lambda: client.create_run(second))
        fails("the name of a deleted one", lambda: client.create_experiment("beta"))
        fails("deleting twice", lambda: client.delete_experiment(second))
        for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
            seen(f"view {view}", [one.name for one in client.search_experiments(view)])
        client.restore_experiment(second)
        fails("restoring twice", lambda: client.restore_experiment(second))
        filters = ["name = 'alpha'", "name LIKE 'al%'", "name ILIKE 'AL%'", "tags.team = 'b'", "tags.team != 'b'", "name != 'alpha'",
                   "tags.`note` LIKE '%ü'", "attribute.name = 'alpha' AND tags.team = 'b'", "creation_time > 0", "last_update_time < 5",
                   "name IN ('alpha')", "experiment_id = '1'", "name LIKE '_lpha'", "name = \"alpha\"", "nothing = 'x'", "name", "name =",
                   "name = alpha", "params.a = 'b'", "metrics.a > 1", "tags.team IS NULL", "tags.team IS NOT NULL"]
        for text in filters:
            fails(f"search {text}", lambda: [one.name for one in client.search_experiments(filter_string=text)])
        for order in (["name ASC"], ["name DESC"], ["creation_time"], ["last_update_time DESC"], ["experiment_id DESC"], ["tags.team"], ["what"]):
            fails(f"order {order}", lambda: [one.name for one in client.search_experiments(order_by=order)])
        page = client.search_experiments(max_results=2, order_by=["name ASC"])
        seen("page", [[one.name for one in page], bool(page.token)])
        page = client.search_experiments(max_results=2, order_by=["name ASC"], page_token=page.token)
        seen("next page", [[one.name for one in page], bool(page.token)])
        return first


def one_run(experiment):
    with part("run"):
        run = client.create_run(experiment, run_name="first", tags={"given": "1"}, start_time=1_700_000_000_000)
        run_id = run.info.run_id
        seen("created", told(run))
        client.log_param(run_id, "depth", 3)
        client.log_param(run_id, "depth", 3)
        fails("another value of a parameter", lambda: client.log_param(run_id, "depth", 4))
        fails("a long parameter", lambda: client.log_param(run_id, "long", "x" * 6001))
        fails("a bad name", lambda: client.log_param(run_id, "a?b", 1))
        fails("a path as a name", lambda: client.log_param(run_id, "../x", 1))
        fails("a long name", lambda: client.log_param(run_id, "k" * 251, 1))
        fails("names with spaces, dots and slashes", lambda: client.log_param(run_id, "a b.c/d-e:f", 1))
        for step, value in enumerate([1.0, 0.5, math.nan, math.inf, -math.inf, 1e-320, 0.25]):
            client.log_metric(run_id, "loss", value, timestamp=1_700_000_000_000 + step, step=step)
        client.log_metric(run_id, "back", 1.0, timestamp=2_000_000_000_000, step=5)
        client.log_metric(run_id, "back", 2.0, timestamp=1_000_000_000_000, step=3)
        client.log_metric(run_id, "same", 1.0, timestamp=1, step=0)
        client.log_metric(run_id, "same", 3.0, timestamp=1, step=0)
        client.log_metric(run_id, "same", 2.0, timestamp=1, step=0)
        client.log_metric(run_id, "negative step", -1.5, timestamp=1, step=-7)
        fails("a metric that is a text", lambda: client.log_metric(run_id, "bad", "one"))
        fails("a metric of a long name", lambda: client.log_metric(run_id, "k" * 251, 1.0))
        client.set_tag(run_id, "flag", True)
        client.set_tag(run_id, "empty", "")
        client.set_tag(run_id, "long", "x" * 7_900)
        fails("a tag too long", lambda: client.set_tag(run_id, "long", "x" * 8_001))
        client.delete_tag(run_id, "flag")
        fails("a tag that is not there", lambda: client.delete_tag(run_id, "flag"))
        client.log_batch(run_id, [Metric("m", 1.5, 10, 0), Metric("m", 2.5, 20, 1)], [Param("p", "v"), Param("q", "")], [RunTag("t", "v")])
        fails("a parameter twice in a batch", lambda: client.log_batch(run_id, params=[Param("z", "1"), Param("z", "2")]))
        fails("another value in a batch", lambda: client.log_batch(run_id, params=[Param("p", "w"), Param("new", "1")]))
        fails("a batch of nothing", lambda: client.log_batch(run_id))
        client.update_run(run_id, status="RUNNING", name="renamed")
        seen("got", told(client.get_run(run_id)))
        for key in ("loss", "back", "same", "nothing"):
            seen(f"history of {key}", [[repr(one.value), one.step, one.timestamp > 0] for one in client.get_metric_history(run_id, key)])
        client.set_terminated(run_id, "FAILED", end_time=1_700_000_100_000)
        seen("ended", told(client.get_run(run_id)))
        client.log_metric(run_id, "after the end", 1)
        client.delete_run(run_id)
        seen("deleted", told(client.get_run(run_id)))
        fails("logging into a deleted one", lambda: client.log_metric(run_id, "x", 1))
        fails("a parameter of a deleted one", lambda: client.log_param(run_id, "x2", 1))
        fails("a tag of a deleted one", lambda: client.set_tag(run_id, "x", 1))
        fails("ending a deleted one", lambda: client.set_terminated(run_id))
        fails("deleting twice", lambda: client.delete_run(run_id))
        client.restore_run(run_id)
        fails("restoring twice", lambda: client.restore_run(run_id))
        client.log_metric(run_id, "again", 1)
        seen("restored", told(client.get_run(run_id)))
        fails("a run that is not there", lambda: client.get_run("0" * 32))
        fails("a run of no id", lambda: client.get_run("what"))
        fails("no experiment", lambda: client.create_run("98765"))
        return run_id


def searched():
    with part("search"):
        experiment = client.create_experiment("searched")
        other = client.create_experiment("searched too")
        for at in range(8):
            run = client.create_run(experiment if at < 6 else other, run_name=f"Run-{at}", start_time=1_700_000_000_000 + at * 1000)
            metrics = [Metric("auc", at / 10, 1, 0), Metric("m a", float(at), 1, 0)]
            if at == 3:
                metrics = [Metric("auc", math.nan, 1, 0), Metric("m a", math.inf, 1, 0)]
            params = [Param("depth", str(at % 3)), Param("Kind", "xgb" if at % 2 else "LGB")]
            client.log_batch(run.info.run_id, metrics, params, [RunTag("team", "a" if at < 4 else "b"), RunTag("n.o", f"50%_{at}")])
            client.log_batch(run.info.run_id, [Metric("auc", at / 10 + 0.01, 2, 1)] if at != 3 else [])
            if at != 5:
                client.set_terminated(run.info.run_id, "FINISHED" if at % 2 else "FAILED", end_time=1_700_000_100_000 + at)
            if at == 4:
                data = mlflow.data.from_pandas(pd.DataFrame({"a": [1.0, 2.0]}), source="https://example.org/a.csv", name="train")
                with mlflow.start_run(run_id=run.info.run_id):
                    mlflow.log_input(data, context="training", tags={"k": "v"})
        filters = ["", "metrics.auc > 0.2", "metrics.auc >= 0.21 AND metrics.auc < 0.5", "metrics.`m a` = 2", "metrics.\"m a\" != 2", "metrics.auc <= 0.11",
                   "metrics.`m a` > 4", "metrics.auc = 0.31", "params.depth = '1'", "params.depth != '1'", "params.Kind LIKE 'x%'", "params.Kind ILIKE 'X%'", "params.Kind LIKE 'X%'",
                   "params.Kind = 'lgb'", "param.depth = \"2\"", "tags.team = 'a'", "tag.team != 'a'", "tags.`n.o` LIKE '50%\\_1'", "tags.`n.o` LIKE '50%'", "tags.n.o = '50%_1'",
                   "tags.nothing = 'x'", "tags.nothing != 'x'", "tags.nothing IS NULL", "tags.team IS NOT NULL", "params.depth IS NULL", "attributes.status = 'FINISHED'",
                   "status != 'FINISHED'", "attributes.run_name = 'Run-1'", "run_name LIKE 'run-%'", "run_name ILIKE 'run-%'", "attributes.`run name` = 'Run-2'",
                   "attributes.start_time > 1700000002000", "start_time <= 1700000001000", "end_time > 0", "attributes.end_time = 1700000100001",
                   "run_id IN ('nothing')", "run_id = 'nothing'", "run_id NOT IN ('nothing')", "attributes.artifact_uri LIKE 'mlflow%'", "user_id = 'nobody'",
                   "dataset.name = 'train'", "datasets.name LIKE 'tr%'", "dataset.digest = 'x'", "dataset.context = 'training'", "dataset.context IN ('training', 'eval')",
                   "params.depth IN ('1')", "metrics.auc IN (1)", "metrics.auc > 0.1 and params.depth = '1' AND tags.team = 'a'", "metrics.auc > 0.1 OR params.depth = '1'",
                   "metrics.auc", "metrics.auc >", "> 3", "metrics.auc > 'x'", "params.depth = 1", "params.depth > '1'", "metric.auc > 0.3", "parameters.depth = '1'",
                   "what.auc > 1", "attributes.what = '1'", "metrics.auc LIKE '1%'", "status LIKE 'FIN%'", "attributes.start_time = 'x'", "start_time LIKE '17%'",
                   "tags.team = 'it''s'", "tags.team = 'a' AND", "AND tags.team = 'a'", "(tags.team = 'a')", "tags.team = 'a';", "tags.team == 'a'", "metrics.auc > -1e-3",
                   "metrics.auc > .1", "metrics.auc > 1.", "metrics.auc<0.2", "params.depth='1'", "lifecycle_stage = 'active'", "attributes.experiment_id = '1'",
                   "run_id = ''", "tags.`mlflow.runName` = 'Run-1'", "tags.mlflow.runName = 'Run-1'", "created > 0", "metrics.auc > 0.1 AND metrics.auc > 0.2 AND metrics.auc > 0.3"]
        both = [experiment, other]
        for text in filters:
            fails(f"{text!r}", lambda: [run.info.run_name for run in client.search_runs(both, filter_string=text, order_by=["start_time ASC"])])
        orders = ["metrics.auc", "metrics.auc DESC", "metrics.`m a` ASC", "metrics.`m a` DESC", "params.depth DESC", "params.nothing", "tags.team DESC", "attributes.start_time DESC",
                  "start_time", "end_time DESC", "status", "run_name DESC", "attributes.run_name", "metrics.nothing", "what", "attributes.what", "metrics.auc UP", "metric.auc desc", "dataset.name"]
        for order in orders:
            fails(f"order {order}", lambda: [run.info.run_name for run in client.search_runs(both, order_by=[order])])
        fails("two orders", lambda: [run.info.run_name for run in client.search_runs(both, order_by=["params.depth DESC", "metrics.auc ASC"])])
        fails("no order", lambda: [run.info.run_name for run in client.search_runs(both)])
        token, pages = None, []
        while True:
            page = client.search_runs(both, max_results=3, order_by=["metrics.auc DESC"], page_token=token)
            pages.append([run.info.run_name for run in page])
            token = page.token
            if not token:
                break
        seen("pages", pages)
        fails("a page token that is none", lambda: client.search_runs(both, page_token="what"))
        fails("a page of nothing", lambda: client.search_runs(both, max_results=0))
        fails("too large a page", lambda: client.search_runs(both, max_results=50_001))
        seen("no experiments", [run.info.run_name for run in client.search_runs([])])
        seen("one that is not there", [run.info.run_name for run in client.search_runs(["4711"])])
        frame = mlflow.search_runs([experiment], filter_string="params.depth = '1'", order_by=["start_time ASC"])
        seen("as a frame", [sorted(frame.columns), frame["tags.mlflow.runName"].tolist(), frame["params.Kind"].tolist()])
        deleted = client.search_runs([other])[0].info.run_id
        client.delete_run(deleted)
        for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
            seen(f"view {view}", [run.info.run_name for run in client.search_runs([other], run_view_type=view)])
        client.delete_experiment(other)
        seen("runs of a deleted experiment", [[run.info.run_name, run.info.lifecycle_stage] for run in client.search_runs([other], run_view_type=ViewType.ALL)])
        client.restore_experiment(other)
        seen("runs of a restored experiment", [[run.info.run_name, run.info.lifecycle_stage] for run in client.search_runs([other], run_view_type=ViewType.ALL)])


def artifacts(run_id):
    with part("artifacts"), tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/in/deep/er")
        for name in ("a.txt", "deep/b c.json", "deep/er/ü é.bin", "empty"):
            with open(f"{folder}/in/{name}", "wb") as file:
                file.write(b"" if name == "empty" else name.encode() * 3)
        client.log_artifacts(run_id, f"{folder}/in", "all")
        client.log_artifact(run_id, f"{folder}/in/a.txt")
        client.log_text(run_id, "hällo", "text/hello.txt")
        client.log_dict(run_id, {"k": [1, 2]}, "dict.yaml")
        for path in (None, "all", "all/deep", "all/deep/er", "all/a.txt", "nothing"):
            seen(f"list {path}", [[one.path, one.is_dir, one.file_size] for one in client.list_artifacts(run_id, path)])
        got = client.download_artifacts(run_id, "all", folder)
        seen("downloaded", sorted(os.path.relpath(os.path.join(at, name), got) for at, _, files in os.walk(got) for name in files))
        with open(f"{got}/deep/er/ü é.bin", "rb") as file:
            seen("bytes", file.read().hex())
        fails("one that is not there", lambda: client.download_artifacts(run_id, "missing.txt", folder))
        fails("a path upwards", lambda: client.list_artifacts(run_id, "../.."))
        seen("text", mlflow.artifacts.load_text(f"runs:/{run_id}/text/hello.txt"))
        seen("dict", client.download_artifacts(run_id, "dict.yaml", folder).endswith("dict.yaml"))
        seen("listed by its address", [one.path for one in mlflow.artifacts.list_artifacts(f"runs:/{run_id}/all")])
