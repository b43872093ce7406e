"""Drives a server with Triton's own HTTP client, as a user would, and prints what it saw as JSON.

Usage: triton.py HOST:PORT MODEL
"""

import asyncio
import json
import sys

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
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


def binary(client, model, wanted, rows):
    """The client's defaults: binary in, binary out, bodies compressed by nobody."""
    result = client.infer(model, [tensor("input-0", rows.astype(np.float32), "FP32", binary=True)], request_id="b-1")
    return {"response": result.get_response(), "values": result.as_numpy(wanted).tolist()}


def mixed(client, model, wanted, rows):
    """One tensor in JSON and one in bytes, a binary output by its name."""
    columns = [
        tensor("age", rows[:, 0].astype(np.int64).reshape(-1, 1), "INT64"),
        tensor("tenure", rows[:, 1].astype(np.int16), "INT16", binary=True),
    ]
    output = triton.InferRequestedOutput(wanted, binary_data=True)
    result = client.infer(model, columns, outputs=[output])
    return {"response": result.get_response(), "values": result.as_numpy(wanted).tolist()}


async def asynchronous(address, model, wanted, rows):
    client = triton_aio.InferenceServerClient(address)
    try:
        assert await client.is_server_live()
        results = await asyncio.gather(
            *(client.infer(model, [tensor("input-0", rows, "FP64", binary=True)]) for _ in range(4))
        )
    finally:
        await client.close()
    return [{"response": one.get_response(), "values": one.as_numpy(wanted).tolist()} for one in results]


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
        "loaded": [client.load_model(model), client.unload_model(model), client.load_model(model)],
        "statistics": client.get_inference_statistics(model),
        "index": client.get_model_repository_index(),
        "named": {
            "response": named.get_response(),
            "values": named.as_numpy(wanted).tolist(),
        },
        "whole": {
            "response": whole.get_response(),
            "values": whole.as_numpy(wanted).tolist(),
        },
        "binary": binary(client, model, wanted, rows),
        "mixed": mixed(client, model, wanted, rows),
        "asynchronous": asyncio.run(asynchronous(address, model, wanted, rows)),
        "unknown_model": error(lambda: client.infer("missing", matrix)),
        "unknown_output": error(
            lambda: client.infer(model, matrix, outputs=[triton.InferRequestedOutput("nope", binary_data=False)])
        ),
        "wrong_shape": error(lambda: client.infer(model, [tensor("input-0", rows[:, :1], "FP64")])),
    }
    print(json.dumps(seen))


main(*sys.argv[1:])
