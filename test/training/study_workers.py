"""Workers of a study, with nothing but Python's own library: `study_workers.py STUDY WORKERS URL…`.

Each asks, "trains", reports, tells; some die over a trial. Prints `told NUMBER VALUE` for what was acknowledged. A worker whose
server is gone goes on with the next URL, and gives up where there is none.
"""
import json
import sys
import threading
import urllib.error
import urllib.request

study, workers, urls = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
printing = threading.Lock()


class Refused(Exception):
    pass


class Server:
    def __init__(self, number):
        self.urls = urls[number % len(urls) :] + urls[: number % len(urls)]

    def call(self, path, body):
        while self.urls:
            request = urllib.request.Request(
                f"{self.urls[0]}/studies/{study}/{path}",
                json.dumps(body).encode(),
                {"content-type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                raise Refused(json.load(error)["code"]) from error
            except OSError:
                self.urls.pop(0)
        raise SystemExit


def train(server, trial):
    """Three epochs on the way to a minimum at lr = 0.01."""
    path = f"trials/{trial['number']}"
    loss = (trial["params"]["lr"] - 0.01) ** 2 + trial["params"]["depth"]
    for epoch in (1, 2, 3):
        report = {"step": epoch, "value": loss / epoch, "attempt": trial["attempt"]}
        if server.call(f"{path}/report", report)["prune"]:
            server.call(f"{path}/tell", {"state": "pruned", "attempt": trial["attempt"]})
            return
    server.call(f"{path}/tell", {"value": loss, "attempt": trial["attempt"]})
    with printing:
        print("told", trial["number"], repr(loss), flush=True)


def work(number):
    server, tried = Server(number), 0
    while True:
        asked = server.call("ask", {"worker": f"python-{number}"})
        if asked["done"]:
            return
        for trial in asked["trials"]:
            tried += 1
            if number % 8 == 5 and tried == 2:
                return
            try:
                train(server, trial)
            except Refused as refused:
                # Too slow: another worker has taken over.
                if str(refused) != "conflict":
                    raise


threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
