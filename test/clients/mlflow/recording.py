"""Writes down what a server answers, so that two servers can be compared: what differs by chance or by time gets a name instead.

Two kinds of lines: `said`, each answer on the wire, and `seen`, what the client made of some of them. Each has a label that is the same in
every run against every server.
"""
import json
import os
import re
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import requests

OUT = open(os.environ["EXERCISE_OUT"], "w", encoding="utf-8")
BASE = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")

# Made by the server or by the clock.
TIMES = re.compile(r"(?:time|timestamp|_at|time_ms|timestamp_ms|duration)$")
# Whose order neither server promises: the one gives them as they came, the other by name.
SETS = {"metrics", "params", "tags", "aliases", "latest_versions"}
TOKENS = {"next_page_token", "page_token", "upload_id"}
IDS = re.compile(r"\b(?:m-|tr-|d-|a-)?(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
HOST = re.compile(re.escape(BASE.split("//")[1]))
RUN_NAMES = re.compile(r"\b(?:[a-z]+-[a-z]+-\d{1,3}|run-[0-9a-f]{8})\b")
FOLDERS = re.compile(r"/tmp/[\w./-]+")

names = {}
counts = {}
label = "begin"


def named(text):
    """Ids are called by the order in which they first came."""
    text = HOST.sub("HOST", text)
    text = RUN_NAMES.sub("MADE-UP-NAME", FOLDERS.sub("FOLDER", text))
    return IDS.sub(lambda found: names.setdefault(found[0], f"ID{len(names) + 1}"), text)


def plain(value, key=""):
    if isinstance(value, dict):
        return {named(str(name)): plain(of, str(name)) for name, of in value.items() if of is not None}
    if isinstance(value, (list, tuple)):
        listed = [plain(of, key) for of in value]
        return sorted(listed, key=lambda one: json.dumps(one, sort_keys=True)) if key in SETS else listed
    if isinstance(value, bool) or value is None:
        return value
    if key in TOKENS:
        return "TOKEN"
    if isinstance(value, (int, float)):
        return "TIME" if TIMES.search(key) and abs(value) > 10_000 else repr(value) if value != value else value
    text = str(value)
    if TIMES.search(key) and re.fullmatch(r"\d{10,}|\d{4}-\d\d-\d\dT.*", text):
        return "TIME"
    if text[:1] in "[{" and key in ("value", "history", "text"):
        try:
            return json.dumps(plain(json.loads(text)), sort_keys=True)
        except ValueError:
            pass
    return named(text)


def write(kind, at, value):
    OUT.write(json.dumps({"kind": kind, "at": at, "value": value}, sort_keys=True) + "\n")
    OUT.flush()


def numbered(at):
    counts[at] = counts.get(at, 0) + 1
    return at if counts[at] == 1 else f"{at} #{counts[at]}"


@contextmanager
def part(name):
    """All that is said within belongs to this part."""
    global label
    before, label = label, name
    try:
        yield
    finally:
        label = before


def seen(what, value):
    write("seen", numbered(f"{label}: {what}"), plain(value))


def fails(what, call):
    """What the client is told where something is refused; the sentence is each server's own."""
    try:
        with part(f"{label}: {what}"):
            value = call()
    except Exception as error:  # each kind is written down
        code = getattr(error, "error_code", None)
        write("seen", numbered(f"{label}: {what}"), {"raised": type(error).__name__, "code": code})
        return None
    write("seen", numbered(f"{label}: {what}"), {"returned": plain(str(value)[:200])})
    return value


def answer_of(response):
    kind = (response.headers.get("content-type") or "").split(";")[0]
    if kind != "application/json":
        return {"status": response.status_code}
    try:
        body = response.json()
    except ValueError:
        return {"status": response.status_code, "body": "not JSON"}
    if isinstance(body, dict) and "error_code" in body:
        return {"status": response.status_code, "code": body["error_code"], "told": isinstance(body.get("message"), str)}
    return {"status": response.status_code, "body": plain(body)}


def listen():
    """From here on everything that goes to the server through the client's library is written down."""
    send = requests.Session.send

    def sent(session, request, **options):
        response = send(session, request, **options)
        url = urlsplit(request.url)
        if request.url.startswith(BASE) and not options.get("stream") and not label.startswith("raw"):
            path = named(unquote(url.path))
            write("said", numbered(f"{label}: {request.method} {path}"), answer_of(response))
        return response

    requests.Session.send = sent


def auth():
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return (user, password) if user else None


def ask(method, path, body=None, query=None, raw=None, headers=None):
    """A request that no client sends."""
    return requests.request(
        method, f"{BASE}{path}", json=body, params=query, data=raw, headers=headers, auth=auth(), timeout=60, allow_redirects=False
    )
