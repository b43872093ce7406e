"""Many clients at once: names, versions and aliases are given once each, whoever asks."""
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

client = MlflowClient()
pool = ThreadPoolExecutor(16)
many = range(32)


def outcome(call):
    try:
        return call()
    except MlflowException as error:
        return error.error_code


def all_of(call):
    return [one.result() for one in [pool.submit(outcome, lambda at=at: call(at)) for at in many]]


made = all_of(lambda at: client.create_registered_model("churn").name)
assert sorted(made) == ["RESOURCE_ALREADY_EXISTS"] * 31 + ["churn"], made
made = all_of(lambda at: client.create_experiment("same"))
assert sorted(made)[1:] == ["RESOURCE_ALREADY_EXISTS"] * 31, made
made = all_of(lambda at: int(client.create_experiment(f"own {at}")))
assert len(set(made)) == 32, made
made = all_of(lambda at: int(client.create_model_version("churn", f"s3://bucket/{at}").version))
assert sorted(made) == list(range(1, 33)), made
all_of(lambda at: client.set_registered_model_alias("churn", "live", str(at + 1)))
version = client.get_model_version_by_alias("churn", "live").version
assert dict(client.get_registered_model("churn").aliases) == {"live": version}
assert [one.version for one in client.search_model_versions("name = 'churn'") if "live" in client.get_model_version("churn", one.version).aliases] == [version]
moved = all_of(lambda at: client.transition_model_version_stage("churn", str(at + 1), "Production", archive_existing_versions=True).current_stage)
assert set(moved) == {"Production"}, moved
assert len(client.get_latest_versions("churn", ["Production"])) == 1
live = [one for one in client.search_model_versions("name = 'churn'") if one.current_stage == "Production"]
assert len(live) == 1, live
run = client.create_run("0").info.run_id
given = all_of(lambda at: client.log_param(run, "depth", at))
assert sum(one == "INVALID_PARAMETER_VALUE" for one in given) == 31, given
all_of(lambda at: client.log_batch(run, [Metric("loss", at, at, at)], [Param(f"p{at}", "1")]))
assert len(client.get_metric_history(run, "loss")) == 32
assert client.get_run(run).data.metrics["loss"] == 31
assert len(client.get_run(run).data.params) == 33
gone = all_of(lambda at: client.delete_model_version("churn", "1"))
assert sorted(map(str, gone)) == ["None"] + ["RESOURCE_DOES_NOT_EXIST"] * 31, gone
all_of(lambda at: client.delete_run(run) if at % 2 else client.restore_run(run))
client.restore_run(run)
client.log_metric(run, "loss", 1, step=99)
print("ok")
