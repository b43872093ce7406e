"""Logged models, registered models, versions, aliases, stages, and what is built of them."""
import os
import tempfile

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature

from recording import fails, part, seen

client = MlflowClient()
X = pd.DataFrame({"age": [20.0, 30, 40, 50, 60, 70], "tenure": [1.0, 2, 3, 4, 5, 6]})
Y = np.array([0, 0, 1, 0, 1, 1])


def model_told(model):
    return {
        "name": model.name, "type": model.model_type, "status": str(model.status), "tags": {k: v for k, v in sorted(model.tags.items()) if k != "mlflow.source.name"},
        "params": dict(sorted(model.params.items())), "run": model.source_run_id, "uri": model.artifact_location,
        "metrics": sorted([one.key, one.value, one.dataset_name, one.step] for one in model.metrics or []),
    }


def logged_models():
    """A model of scikit-learn, with metrics of a data set linked to it."""
    from sklearn.linear_model import LogisticRegression

    with part("logged model"):
        experiment = mlflow.set_experiment("models")
        fitted = LogisticRegression().fit(X, Y)
        data = mlflow.data.from_pandas(X.assign(y=Y), targets="y", name="train", source="https://example.org/train.csv")
        with mlflow.start_run(run_name="fit") as run:
            mlflow.log_input(data, context="training")
            logged = mlflow.sklearn.log_model(
                fitted, name="clf", input_example=X.head(2), signature=infer_signature(X, fitted.predict(X)), pip_requirements=["scikit-learn"],
                params={"C": 1.0}, tags={"stage": "try"}, model_type="classifier", serialization_format="cloudpickle")
            mlflow.log_metric("accuracy", 0.75, model_id=logged.model_id, dataset=data)
            mlflow.log_metric("f1", 0.7, model_id=logged.model_id)
        seen("info", [logged.artifact_path, logged.model_uri, sorted(logged.flavors), logged.signature.to_dict()])
        seen("got", model_told(mlflow.get_logged_model(logged.model_id)))
        client.set_logged_model_tags(logged.model_id, {"a": "1", "b": "2"})
        client.delete_logged_model_tag(logged.model_id, "b")
        fails("a tag that is not there", lambda: client.delete_logged_model_tag(logged.model_id, "b"))
        fails("a model that is not there", lambda: client.get_logged_model("m-" + "0" * 32))
        client.log_model_params(logged.model_id, {"extra": "x"})
        fails("another value of a parameter", lambda: client.log_model_params(logged.model_id, {"extra": "y"}))
        seen("after", model_told(client.get_logged_model(logged.model_id)))
        seen("files", sorted(one.path for one in client.list_logged_model_artifacts(logged.model_id)))
        with_outputs = client.get_run(run.info.run_id)
        seen("outputs of the run", [[one.model_id, one.step] for one in with_outputs.outputs.model_outputs])
        other = mlflow.create_external_model(name="elsewhere", model_type="agent", params={"k": "v"}, tags={"t": "1"})
        seen("external", model_told(other))
        pending = mlflow.initialize_logged_model(name="pending")
        seen("initialised", model_told(pending))
        client.finalize_logged_model(pending.model_id, "FAILED")
        searched_models(experiment.experiment_id, data)
        client.delete_logged_model(pending.model_id)
        fails("a deleted one", lambda: client.get_logged_model(pending.model_id))
        fails("a bad name", lambda: client.create_logged_model(experiment.experiment_id, name="a/b"))
        seen("predicted", mlflow.pyfunc.load_model(logged.model_uri).predict(X).tolist())
        return run.info.run_id, logged


def searched_models(experiment, data):
    with part("search of logged models"):
        filters = [None, "name = 'clf'", "name LIKE 'c%'", "model_type = 'classifier'", "params.C = '1.0'", "tags.stage = 'try'", "metrics.accuracy > 0.5", "metrics.accuracy > 0.9",
                   "status = 'READY'", "status != 'READY'", "attributes.name != 'clf'", "creation_timestamp > 0", "what = 'x'", "metrics.accuracy", "name ILIKE 'C%'", "source_run_id = 'x'"]
        for text in filters:
            fails(f"{text}", lambda: sorted(one.name for one in client.search_logged_models([experiment], filter_string=text)))
        fails("metrics of a data set", lambda: [one.name for one in client.search_logged_models([experiment], filter_string="metrics.accuracy > 0.5", datasets=[{"dataset_name": "train"}])])
        for digest in (data.digest, "other"):
            fails(f"metrics of a data set and digest {digest}", lambda: [one.name for one in client.search_logged_models([experiment], filter_string="metrics.accuracy > 0.5", datasets=[{"dataset_name": "train", "dataset_digest": digest}])])
        fails("metrics of another data set", lambda: [one.name for one in client.search_logged_models([experiment], filter_string="metrics.accuracy > 0.5", datasets=[{"dataset_name": "test"}])])
        for order in ("name", "metrics.accuracy", "creation_timestamp", "what"):
            fails(f"order {order}", lambda: [one.name for one in client.search_logged_models([experiment], order_by=[{"field_name": order, "ascending": True}])])
        page = client.search_logged_models([experiment], max_results=1, order_by=[{"field_name": "name", "ascending": True}])
        seen("page", [[one.name for one in page], bool(page.token)])
        fails("no experiments", lambda: [one.name for one in client.search_logged_models([])])


def version_told(version):
    return {
        "name": version.name, "version": version.version, "stage": version.current_stage, "status": version.status, "source": version.source, "run": version.run_id,
        "aliases": sorted(version.aliases), "tags": dict(sorted(version.tags.items())), "description": version.description, "model": version.model_id, "link": version.run_link,
    }


def registered(run_id, logged):
    with part("registered"):
        client.create_registered_model("churn", tags={"team": "a"}, description="who leaves")
        fails("a name twice", lambda: client.create_registered_model("churn"))
        fails("no name", lambda: client.create_registered_model(""))
        fails("a name with a slash", lambda: client.create_registered_model("a/b"))
        fails("a name with a colon", lambda: client.create_registered_model("a:b"))
        fails("spaces and letters", lambda: client.create_registered_model("Kündigung 1").name)
        first = mlflow.register_model(logged.model_uri, "churn", tags={"v": "1"})
        seen("of a logged model", version_told(first))
        seen("of a run", version_told(client.create_model_version("churn", f"runs:/{run_id}/clf", run_id, description="second", tags={"k": "v"})))
        seen("of an address", version_told(client.create_model_version("churn", "s3://bucket/model")))
        fails("of a path", lambda: client.create_model_version("churn", "/etc/passwd"))
        fails("of a path upwards", lambda: client.create_model_version("churn", "mlflow-artifacts:/1/../../x"))
        fails("of a file", lambda: client.create_model_version("churn", "file:///etc"))
        fails("of nothing", lambda: client.create_model_version("nobody", "s3://bucket/model"))
        fails("copied", lambda: version_told(client.copy_model_version("models:/churn/1", "copied")))
        seen("got", version_told(client.get_model_version("churn", "1")))
        seen("where it lies", client.get_model_version_download_uri("churn", "3"))
        client.update_model_version("churn", "1", description="better")
        client.set_model_version_tag("churn", "1", "k", "v")
        client.delete_model_version_tag("churn", "1", "v")
        fails("a tag that is not there", lambda: client.delete_model_version_tag("churn", "1", "nothing"))
        client.set_registered_model_tag("churn", "a", "b")
        client.delete_registered_model_tag("churn", "team")
        fails("a tag of it that is not there", lambda: client.delete_registered_model_tag("churn", "nothing"))
        client.update_registered_model("churn", "new words")
        aliases()
        stages()
        searched_registry()
        ended()


def aliases():
    with part("aliases"):
        client.set_registered_model_alias("churn", "champion", "1")
        client.set_registered_model_alias("churn", "champion", "2")
        client.set_registered_model_alias("churn", "challenger", "1")
        seen("by alias", version_told(client.get_model_version_by_alias("churn", "champion")))
        for alias in ("latest", "v1", "V2", "1", "a b", "ä", "a.b", "a" * 256, ""):
            fails(f"alias {alias[:5]!r}", lambda: client.set_registered_model_alias("churn", alias, "1"))
        fails("a version that is not there", lambda: client.set_registered_model_alias("churn", "x", "99"))
        fails("one that is not there", lambda: client.get_model_version_by_alias("churn", "nobody"))
        client.delete_registered_model_alias("churn", "challenger")
        fails("deleting one that is not there", lambda: client.delete_registered_model_alias("churn", "challenger"))
        seen("aliases", dict(client.get_registered_model("churn").aliases))


def stages():
    with part("stages"):
        seen("moved", version_told(client.transition_model_version_stage("churn", "1", "Staging")))
        seen("in lower case", version_told(client.transition_model_version_stage("churn", "2", "production")))
        seen("the others archived", version_told(client.transition_model_version_stage("churn", "3", "Production", archive_existing_versions=True)))
        fails("a stage that is none", lambda: client.transition_model_version_stage("churn", "1", "Live"))
        fails("archiving for None", lambda: client.transition_model_version_stage("churn", "1", "None", archive_existing_versions=True))
        seen("latest", [version_told(one) for one in client.get_latest_versions("churn")])
        seen("latest of a stage", [version_told(one) for one in client.get_latest_versions("churn", ["Production"])])
        fails("latest of a stage that is none", lambda: client.get_latest_versions("churn", ["Live"]))


def searched_registry():
    with part("search of registered models"):
        for name in ("alpha", "Beta", "gamma"):
            client.create_registered_model(name, tags={"team": "x"} if name != "gamma" else None)
        for text in (None, "name = 'churn'", "name LIKE 'c%'", "name ILIKE 'B%'", "name LIKE 'b%'", "tags.team = 'x'", "tags.team != 'x'", "tag.a = 'b'", "name != 'churn'", "what = 'x'", "name",
                     "name IN ('churn')", "name = 'churn' AND tags.a = 'b'", "name > 'a'", "tags.team LIKE 'x%'", "tags.team IS NULL"):
            fails(f"{text}", lambda: [one.name for one in client.search_registered_models(text)])
        for order in (["name DESC"], ["creation_timestamp"], ["last_updated_timestamp DESC"], ["timestamp"], ["what"]):
            fails(f"order {order}", lambda: [one.name for one in client.search_registered_models(order_by=order)])
        page = client.search_registered_models(max_results=2)
        seen("page", [[one.name for one in page], bool(page.token)])
        seen("next page", [one.name for one in client.search_registered_models(max_results=2, page_token=page.token)])
    with part("search of versions"):
        for text in (None, "name = 'churn'", "name LIKE 'c%'", "run_id = 'x'", "run_id IN ('x', 'y')", "tags.k = 'v'", "tags.k != 'v'", "source_path = 's3://bucket/model'", "version_number > 1",
                     "version_number = 2", "what = 'x'", "name = 'churn' AND tags.k = 'v'", "name ILIKE 'C%'", "name != 'churn'", "source_path LIKE 's3%'"):
            fails(f"{text}", lambda: sorted([one.name, one.version] for one in client.search_model_versions(text)))
        for order in (["name", "version_number DESC"], ["version_number"], ["creation_timestamp DESC"], ["what"]):
            fails(f"order {order}", lambda: [[one.name, one.version] for one in client.search_model_versions("name = 'churn'", order_by=order)])
        page = client.search_model_versions("name = 'churn'", max_results=2, order_by=["version_number"])
        seen("page", [[one.version for one in page], bool(page.token)])
        fails("too large a page", lambda: client.search_model_versions(max_results=200_001))


def ended():
    with part("the end of a registered model"):
        client.rename_registered_model("churn", "leavers")
        seen("its version", version_told(client.get_model_version("leavers", "1")))
        fails("the old name", lambda: client.get_registered_model("churn"))
        fails("a name that is taken", lambda: client.rename_registered_model("leavers", "alpha"))
        client.set_registered_model_alias("leavers", "champion", "3")
        client.delete_model_version("leavers", "3")
        fails("a deleted version", lambda: client.get_model_version("leavers", "3"))
        fails("deleting it again", lambda: client.delete_model_version("leavers", "3"))
        seen("its aliases", dict(client.get_registered_model("leavers").aliases))
        seen("the next version", client.create_model_version("leavers", "s3://bucket/next").version)
        with tempfile.TemporaryDirectory() as folder:
            path = mlflow.artifacts.download_artifacts("models:/leavers/1", dst_path=folder)
            seen("downloaded", sorted(os.listdir(path)))
        client.delete_registered_model("leavers")
        fails("a deleted model", lambda: client.get_registered_model("leavers"))
        fails("deleting it again", lambda: client.delete_registered_model("leavers"))


def prompts():
    """Prompts are registered models with tags."""
    with part("prompts"):
        fails("registered", lambda: mlflow.genai.register_prompt("greeting", "Hello {{name}}", commit_message="first", tags={"author": "a"}).version)
        fails("again", lambda: mlflow.genai.register_prompt("greeting", "Hi {{name}}").version)
        fails("loaded", lambda: mlflow.genai.load_prompt("prompts:/greeting/1").template)
        fails("alias", lambda: mlflow.genai.set_prompt_alias("greeting", "live", 2))
        fails("by alias", lambda: mlflow.genai.load_prompt("prompts:/greeting@live").template)
        fails("searched", lambda: sorted(one.name for one in mlflow.genai.search_prompts()))
        fails("searched by name", lambda: [one.name for one in mlflow.genai.search_prompts("name = 'greeting'")])
        fails("not among the models", lambda: [one.name for one in client.search_registered_models() if one.name == "greeting"])
        fails("not among the versions", lambda: [one.name for one in client.search_model_versions() if one.name == "greeting"])
        fails("a model of its name", lambda: client.create_registered_model("greeting").name)
        fails("a prompt that is none", lambda: mlflow.genai.load_prompt("prompts:/nobody/1"))
        fails("tagged", lambda: mlflow.genai.set_prompt_tag("greeting", "k", "v"))
        fails("deleted version", lambda: client.delete_prompt_version("greeting", "2"))
