"""Fills the database of `mlflow server` with runs, as logging each would have: one metric `acc`, one parameter `lr`, its name."""
import sys
import uuid

from mlflow.store.tracking.dbmodels import models
from sqlalchemy import create_engine, insert

AT_ONCE = 5_000


def main(database: str, experiment: int, runs: int) -> None:
    engine = create_engine(database)
    for start in range(0, runs, AT_ONCE):
        some = [(uuid.uuid4().hex, at) for at in range(start, min(start + AT_ONCE, runs))]
        with engine.begin() as connection:
            connection.execute(insert(models.SqlRun), [
                {"run_uuid": run, "name": f"r{at}", "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "",
                 "user_id": "", "status": "RUNNING", "start_time": at, "source_version": "", "lifecycle_stage": "active",
                 "artifact_uri": f"mlflow-artifacts:/{experiment}/{run}/artifacts", "experiment_id": experiment}
                for run, at in some])
            connection.execute(insert(models.SqlTag), [
                {"key": "mlflow.runName", "value": f"r{at}", "run_uuid": run} for run, at in some])
            connection.execute(insert(models.SqlParam), [
                {"key": "lr", "value": f"0.{at % 10}", "run_uuid": run} for run, at in some])
            for table in (models.SqlMetric, models.SqlLatestMetric):
                connection.execute(insert(table), [
                    {"key": "acc", "value": (at % 1000) / 1000, "timestamp": 1, "step": 0, "is_nan": False, "run_uuid": run}
                    for run, at in some])


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
