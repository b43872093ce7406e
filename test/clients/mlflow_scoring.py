"""Asks a scoring server with MLflow's own client, and prints what it was told as JSON.

Usage: mlflow_scoring.py HOST PORT
"""

import json
import sys

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient


def main(host, port):
    client = ScoringServerClient(host, port)
    client.wait_server_ready(timeout=10)
    frame = pd.DataFrame({"age": [20, 47], "tenure": [1, 2]})
    questions = [frame, frame.to_numpy()]
    answers = [client.invoke(question).get_predictions(predictions_format="ndarray").tolist() for question in questions]
    table = client.invoke(frame, params={"unused": 1}).get_predictions()
    try:
        client.invoke(frame.drop(columns=["age"]))
        refused = None
    except Exception as raised:
        refused = str(raised)
    print(
        json.dumps(
            {"version": client.get_version(), "answers": answers, "table": table.iloc[:, 0].tolist(), "refused": refused}
        )
    )


main(*sys.argv[1:])
