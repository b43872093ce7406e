"""Drives a server with Triton's own HTTP client, as a user would, and prints what it saw as JSON.

Usage: triton.py HOST:PORT MODEL
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def tensor(name, values, datatype, binary=False):
    result = triton.InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values, binary_data=binary)
    return result


def error(call):
    try:
        call()
    except InferenceServerException as raised:
        return {"message": raised.message(), "status": raised.status()}
    return None


def main(address, model):
    client = triton.InferenceServerClient(address)
    rows = np.array([[20.0, 1.0], [47.0, 2.0], [47.0, 9.0]])
    wanted = client.get_model_metadata(model)["outputs"][0]["name"]
    output = triton.InferRequestedOutput(wanted, binary_data=False)
    columns = [
        tensor("age", rows[:, 0].astype(np.int64).reshape(-1, 1), "INT64"),
        tensor("tenure", rows[:, 1].astype(np.float32), "FP32"),
    ]
    named = client.infer(model, columns, outputs=[output], request_id="question-1")
    matrix = [tensor("input-0", rows, "FP64")]
    whole = client.infer(model, matrix, model_version="1.0.0")
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "version_ready": client.is_model_ready(model, "1.0.0"),
        "missing_ready": client.is_model_ready("missing"),
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(model, "1.0.0"),
        "index": client.get_model_repository_index(),
        "named": {
            "response": named.get_response(),
            "values": named.as_numpy(wanted).tolist(),
        },
        "whole": {
            "response": whole.get_response(),
            "values": whole.as_numpy(wanted).tolist(),
        },
        "binary": error(lambda: client.infer(model, [tensor("input-0", rows, "FP64", binary=True)])),
        "unknown_model": error(lambda: client.infer("missing", matrix)),
        "unknown_output": error(
            lambda: client.infer(model, matrix, outputs=[triton.InferRequestedOutput("nope", binary_data=False)])
        ),
        "wrong_shape": error(lambda: client.infer(model, [tensor("input-0", rows[:, :1], "FP64")])),
    }
    print(json.dumps(seen))


main(*sys.argv[1:])
