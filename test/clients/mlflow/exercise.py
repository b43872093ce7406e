"""Runs a part of the exercise against the server that MLFLOW_TRACKING_URI names, and writes what it answers to EXERCISE_OUT."""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"

import recording  # noqa: E402


def run(part):
    recording.listen()
    if part == "tracking":
        import tracking

        tracking.experiments()
        run_id = tracking.one_run(tracking.client.create_experiment("runs"))
        tracking.searched()
        tracking.artifacts(run_id)
    elif part == "registry":
        import registry

        run_id, logged = registry.logged_models()
        registry.registered(run_id, logged)
        registry.prompts()
    elif part == "learning":
        import learning

        learning.nested()
        learning.logged_by_itself()
        learning.evaluated()
        learning.traced()
    elif part == "raw":
        import raw

        raw.asked()
    else:
        raise SystemExit(f"no part {part}")


run(sys.argv[1])
print("ok")
