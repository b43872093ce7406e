"""Requests that no client sends: what is missing, of the wrong type, too long, too many, or meant to reach what it should not."""
from recording import answer_of, ask, named, numbered, part, write
import recording

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


def tell(what, response):
    write("seen", numbered(named(f"{recording.label}: {what}")), answer_of(response))
    return response


def post(path, body, what=None):
    return tell(what or f"{path} {str(body)[:90]}", ask("POST", f"{API}/{path}", body))


def get(path, query=None, what=None):
    return tell(what or f"{path} {query}", ask("GET", f"{API}/{path}", query=query))


def experiments():
    with part("raw experiments"):
        made = post("experiments/create", {"name": "raw"}).json()["experiment_id"]
        for body in ({}, {"name": None}, {"name": 5}, {"name": ["a"]}, {"name": {"a": 1}}, {"name": "x", "tags": "no"}, {"name": "y", "tags": [{"key": "k"}]},
                     {"name": "z", "tags": [{"value": "k"}]}, {"name": "q", "unknown": 1}, {"name": "   "}, {"name": "raw"}, {"name": "query", "artifact_location": "http://h/?a=1"}, {"name": "frag", "artifact_location": "http://h/#a"}):
            post("experiments/create", body)
        for query in ({}, {"experiment_id": ""}, {"experiment_id": "x"}, {"experiment_id": "99999"}, {"experiment_id": made}, {"experiment_id": [made, made]}):
            get("experiments/get", query)
        for query in ({}, {"experiment_name": "nobody"}, {"experiment_name": "raw"}):
            get("experiments/get-by-name", query)
        for body in ({}, {"max_results": 0}, {"max_results": -1}, {"max_results": 60_000}, {"max_results": "3"}, {"max_results": "x"}, {"view_type": "ALL"}, {"view_type": "WHAT"}, {"filter": 7},
                     {"filter": "name ="}, {"order_by": "name"}, {"order_by": ["name; drop table experiments"]}, {"page_token": "x"}, {"page_token": ""}, {"max_results": 1.5}):
            tell(f"experiments/search {body}", ask("POST", f"{API}/experiments/search", {"max_results": 2, **body}))
        for body in ({}, {"experiment_id": made}, {"experiment_id": made, "new_name": "Default"}, {"experiment_id": "x", "new_name": "a"}):
            post("experiments/update", body)
        for body in ({}, {"experiment_id": made}, {"experiment_id": made, "key": "k"}, {"experiment_id": made, "key": "", "value": "v"}, {"experiment_id": made, "key": "a/../b", "value": "v"},
                     {"experiment_id": made, "key": "k", "value": "v" * 6000}, {"experiment_id": made, "key": "k", "value": 5}):
            post("experiments/set-experiment-tag", body)
        for location in ("../x", "/etc", "file:///etc", "s3://bucket/x y"):
            post("experiments/create", {"name": f"at {location}", "artifact_location": location})
        post("experiments/delete", {"experiment_id": "0"}, "deleting the default experiment")
        post("experiments/restore", {"experiment_id": "0"}, "restoring it")
        return made


def runs(experiment):
    with part("raw runs"):
        run = post("runs/create", {"experiment_id": experiment, "start_time": 5, "run_name": "r"}).json()["run"]["info"]["run_id"]
        searched, experiment = experiment, post("experiments/create", {"name": "of bad runs"}).json()["experiment_id"]
        for body in ({}, {"experiment_id": "none"}, {"experiment_id": experiment, "start_time": "x"}, {"experiment_id": experiment, "start_time": "17"}, {"experiment_id": experiment, "tags": [{"key": "a"}]},
                     {"experiment_id": experiment, "tags": {}}, {"experiment_id": experiment, "run_name": "n" * 300, "start_time": 1}, {"experiment_id": int(experiment), "run_name": "n", "start_time": 1},
                     {"experiment_id": experiment, "run_name": "a", "start_time": 1, "tags": [{"key": "mlflow.runName", "value": "b"}]}):
            post("runs/create", body, f"runs/create {str({**body, 'experiment_id': type(body.get('experiment_id')).__name__})[:90]}")
        experiment = searched
        for query in ({}, {"run_id": ""}, {"run_id": "x"}, {"run_uuid": run}, {"run_id": run}):
            get("runs/get", query)
        for body in ({}, {"run_id": run}, {"run_id": run, "status": "WHAT"}, {"run_id": run, "status": "FINISHED", "end_time": 9}, {"run_id": run, "status": 3}, {"run_id": "x", "status": "FINISHED"}, {"run_id": run, "end_time": "abc"}):
            post("runs/update", body)
        metric = {"run_id": run, "key": "m", "value": 1.5, "timestamp": 1, "step": 0}
        for change in ({}, {"value": "x"}, {"value": "NaN"}, {"value": "Infinity"}, {"value": "-Infinity"}, {"value": "1e3"}, {"value": None}, {"value": True}, {"timestamp": None}, {"timestamp": "x"}, {"timestamp": -1},
                       {"timestamp": 1.5}, {"step": "x"}, {"step": None}, {"step": "3"}, {"step": 1.5}, {"step": 9007199254740993}, {"key": ""}, {"key": None}, {"key": "a//b"}, {"key": "/a"}, {"key": "a\nb"}, {"key": "ü"},
                       {"key": "a:b"}, {"key": "."}, {"key": "a'b"}, {"run_id": "x"}, {"run_id": ""}, {"value": 1e308}):
            post("runs/log-metric", {**metric, **change}, f"log-metric {change}")
        for change in ({}, {"value": None}, {"value": 5}, {"value": ""}, {"value": ["a"]}, {"key": ".."}, {"key": 5}, {"value": "other"}):
            post("runs/log-parameter", {"run_id": run, "key": "p", "value": "v", **change}, f"log-parameter {change}")
        for change in ({}, {"value": None}, {"key": None}, {"value": 5}, {"key": "mlflow.runName", "value": "renamed"}, {"key": "mlflow.user", "value": "me"}):
            post("runs/set-tag", {"run_id": run, "key": "t", "value": "v", **change}, f"set-tag {change}")
        points = [{"key": f"k{at}", "value": at, "timestamp": 1, "step": 0} for at in range(1001)]
        batches = {"nothing": {}, "only metrics": {"metrics": points[:3]}, "1001 metrics": {"metrics": points}, "1000 metrics": {"metrics": points[:1000]}, "101 params": {"params": [{"key": f"p{at}", "value": "1"} for at in range(101)]},
                   "101 tags": {"tags": [{"key": f"t{at}", "value": "1"} for at in range(101)]}, "1001 in all": {"metrics": points[:950], "params": [{"key": f"q{at}", "value": "1"} for at in range(51)]},
                   "metrics of no list": {"metrics": "x"}, "metrics of texts": {"metrics": ["x"]}, "a metric without a value": {"metrics": [{"key": "a", "timestamp": 1}]}, "a metric without a time": {"metrics": [{"key": "a", "value": 1}]},
                   "a param of a number": {"params": [{"key": "n", "value": 5}]}, "a tag of null": {"tags": [{"key": "n", "value": None}]}, "a param changed": {"params": [{"key": "p", "value": "changed"}]},
                   "a param twice alike": {"params": [{"key": "s", "value": "1"}, {"key": "s", "value": "1"}]}, "a tag twice": {"tags": [{"key": "s", "value": "1"}, {"key": "s", "value": "2"}]},
                   "a bad name among good": {"metrics": points[:2], "params": [{"key": "a?b", "value": "1"}]}, "null lists": {"metrics": None, "params": None, "tags": None}}
        for what, body in batches.items():
            post("runs/log-batch", {"run_id": run, **body}, f"log-batch {what}")
        for query in ({}, {"run_id": run}, {"run_id": run, "metric_key": "m"}, {"run_id": run, "metric_key": "none"}, {"run_id": "x", "metric_key": "m"}, {"run_id": run, "metric_key": "m", "max_results": "1"}, {"run_id": run, "metric_key": "m", "page_token": "x"}):
            get("metrics/get-history", query)
        for body in ({}, {"experiment_ids": experiment}, {"experiment_ids": [experiment], "filter": "metrics.m > '1'"}, {"experiment_ids": [experiment], "max_results": 0}, {"experiment_ids": [experiment], "max_results": 50_001}, {"experiment_ids": [experiment], "run_view_type": "WHAT"},
                     {"experiment_ids": ["x"]}, {"experiment_ids": [5]}, {"experiment_ids": [experiment], "filter": "a" * 1000}, {"experiment_ids": [experiment], "filter": "tags.x = 'a' " + "AND tags.x = 'a' " * 20}, {"experiment_ids": [experiment], "filter": "x'; drop table runs; --"}):
            post("runs/search", {"max_results": 1, "order_by": ["start_time"], **body}, f"runs/search {str(body)[:60]}")
        for body in ({}, {"run_id": "x"}, {"run_id": run, "key": "none"}, {"run_id": run}):
            post("runs/delete-tag", body)
        for name, body in {"no data set": {"datasets": [{}]}, "nothing": {}, "no name": {"datasets": [{"dataset": {"digest": "d", "source_type": "s", "source": "x"}}]}, "whole": {"datasets": [{"dataset": {"name": "n", "digest": "d", "source_type": "s", "source": "x"}, "tags": [{"key": "mlflow.data.context", "value": "c"}]}]},
                           "a long digest": {"datasets": [{"dataset": {"name": "n", "digest": "d" * 37, "source_type": "s", "source": "x"}}]}, "a model": {"models": [{"model_id": "m-" + "1" * 32}]}}.items():
            post("runs/log-inputs", {"run_id": run, **body}, f"log-inputs {name}")
        post("runs/outputs", {"run_id": run, "models": [{"model_id": "m-" + "1" * 32, "step": 1}]})
        return run


def bodies():
    with part("raw bodies"):
        path = f"{API}/runs/create"
        for what, raw, kind in (("no JSON", b"{", "application/json"), ("a list", b"[]", "application/json"), ("a text", b'"x"', "application/json"), ("null", b"null", "application/json"), ("nothing", b"", "application/json"),
                                ("another type", b"a=b", "application/x-www-form-urlencoded"), ("no type", b'{"experiment_id": "0"}', None), ("not UTF-8", b'{"a": "\xff"}', "application/json"), ("deep", b"[" * 3000 + b"]" * 3000, "application/json")):
            tell(what, ask("POST", path, raw=raw, headers={"Content-Type": kind} if kind else {}))
        tell("another method", ask("GET", path))
        tell("an address that is not there", ask("GET", f"{API}/what"))
        tell("another version", ask("GET", "/api/1.0/mlflow/experiments/get"))
        tell("of the pages' API", ask("GET", "/ajax-api/2.0/mlflow/experiments/get", query={"experiment_id": "0"}))
        tell("health", ask("GET", "/health"))
        tell("version", ask("GET", "/version"))
        tell("server-info", ask("GET", "/api/3.0/mlflow/server-info"))


def files(run):
    with part("raw artifacts"):
        at = f"{FILES}/9/{run}/artifacts"
        tell("put", ask("PUT", f"{at}/a.txt", raw=b"0123456789"))
        tell("put again", ask("PUT", f"{at}/a.txt", raw=b"abcdefghij"))
        answer = tell("got", ask("GET", f"{at}/a.txt"))
        recording.seen("content", answer.text)
        for path in ("../x", "..%2f..%2fetc%2fpasswd", "%2e%2e/x", "a/../../x", "/etc/passwd", "%2fetc/passwd", "a%00b", "C:%5Cx", "..%5Cx", "a//b", "./a", "%252e%252e/x", "a%0ab", "~/x"):
            tell(f"put {path}", ask("PUT", f"{FILES}/{path}", raw=b"x"))
            tell(f"get {path}", ask("GET", f"{FILES}/{path}"))
        for path in ("..", "/", "/etc", "a/../..", "9", "%2e%2e", "nothing"):
            tell(f"list {path}", ask("GET", FILES, query={"path": path}))
        tell("delete", ask("DELETE", f"{at}/a.txt"))
        tell("delete again", ask("DELETE", f"{at}/a.txt"))
        tell("gone", ask("GET", f"{at}/a.txt"))
        for path in ("..", "/", "a/../../b"):
            get("artifacts/list", {"run_id": run, "path": path})


def registry():
    with part("raw registry"):
        for body in ({}, {"name": None}, {"name": 5}, {"name": ".."}, {"name": "m" * 257}, {"name": "raw", "tags": [{"key": "k", "value": "v"}]}, {"name": "raw"}, {"name": "d", "description": "x" * 6000}):
            post("registered-models/create", body)
        for body in ({}, {"name": "raw"}, {"name": "raw", "source": "../x"}, {"name": "raw", "source": "file:///etc"}, {"name": "raw", "source": "mlflow-artifacts:/a/%2e%2e/b"}, {"name": "raw", "source": "models:/nobody/1"},
                     {"name": "raw", "source": "s3://a/b", "run_id": "none"}, {"name": "raw", "source": "s3://a/b"}, {"name": "nobody", "source": "s3://a/b"}, {"name": "raw", "source": "http://h/a?b=../c"}, {"name": "raw", "source": ""},
                     {"name": "raw", "source": "s3://a/b", "tags": [{"key": "a"}]}, {"name": "raw", "source": "s3://a/b", "model_id": "m-none"}):
            post("model-versions/create", body)
        for query in ({}, {"name": "raw"}, {"name": "raw", "version": "x"}, {"name": "raw", "version": "1.5"}, {"name": "raw", "version": "99"}, {"name": "raw", "version": "-1"}, {"name": "raw", "version": "1"}):
            get("model-versions/get", query)
        for query in ({"max_results": "0"}, {"max_results": "1001"}, {"filter": "name = 5"}, {"page_token": "x"}, {"order_by": "name"}, {"filter": "name LIKE 'raw%'"}):
            get("registered-models/search", query)
        for body in ({}, {"name": "raw"}, {"name": "raw", "alias": "a"}, {"name": "raw", "alias": "a", "version": "x"}, {"name": "raw", "alias": "a", "version": "1"}, {"name": "nobody", "alias": "a", "version": "1"}):
            post("registered-models/alias", body)
        for query in ({}, {"name": "raw", "alias": "none"}, {"name": "nobody", "alias": "a"}, {"name": "raw", "alias": "a"}):
            get("registered-models/alias", query)
        for body in ({}, {"name": "raw", "version": "1"}, {"name": "raw", "version": "1", "stage": "x"}, {"name": "raw", "version": "1", "stage": "Staging"}):
            post("model-versions/transition-stage", body)
        for body in ({"name": "raw", "version": "1", "key": "k"}, {"name": "raw", "version": "1", "key": "k", "value": "v" * 5001}, {"name": "raw", "version": "1", "key": "k", "value": "v"}, {"name": "raw", "version": "1", "key": "a?b", "value": "v"}):
            post("model-versions/set-tag", body)
        tell("delete nothing", ask("DELETE", f"{API}/registered-models/delete", {}))
        tell("delete one that is not there", ask("DELETE", f"{API}/registered-models/delete", {"name": "nobody"}))
        tell("rename to nothing", ask("POST", f"{API}/registered-models/rename", {"name": "raw"}))
        tell("delete version", ask("DELETE", f"{API}/model-versions/delete", {"name": "raw", "version": "1"}))


def asked():
    experiment = experiments()
    run = runs(experiment)
    bodies()
    files(run)
    registry()
