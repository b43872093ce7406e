"""Drives a server with KServe's own clients, version 1 and 2 over REST and version 2 over gRPC; prints what it saw as JSON.

Usage: kserve_client.py URL GRPC_HOST:PORT MODEL
"""

import asyncio
import json
import logging
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

ROWS = np.array([[20.0, 1.0], [47.0, 2.0], [47.0, 9.0]])
INSTANCES = [{"age": 20, "tenure": 1}, {"age": 47, "tenure": 2}, {"age": 47, "tenure": 9}]


def tensor(name, values, datatype, binary):
    result = InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values, binary_data=binary)
    return result


def request(model, binary, id, parameters=None):
    columns = [
        tensor("age", ROWS[:, :1].astype(np.int64), "INT64", binary),
        tensor("tenure", ROWS[:, 1].astype(np.float32), "FP32", binary),
    ]
    return InferRequest(model_name=model, request_id=id, infer_inputs=columns, parameters=parameters)


def seen_of(response):
    # The client itself drops the version that answered.
    output = response.outputs[0]
    return {
        "id": response.id,
        "model": response.model_name,
        "output": output.name,
        "values": output.as_numpy().reshape(-1).tolist(),
    }


async def refusal(call):
    try:
        await call
    except httpx.HTTPStatusError as raised:
        return [raised.response.status_code, str(raised)]
    except grpc.RpcError as raised:
        return [raised.code().name, raised.details()]
    return None


async def drive_v1(url, model):
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    try:
        return {
            "live": await client.is_server_live(url),
            "model_ready": await client.is_model_ready(url, model),
            "predicted": await client.infer(url, {"instances": INSTANCES}, model_name=model),
            "lists": await client.infer(url, {"instances": ROWS.tolist()}, model_name=model),
            "explained": await client.explain(url, model, {"instances": INSTANCES}),
            "missing_ready": await refusal(client.is_model_ready(url, "missing")),
            "missing": await refusal(client.infer(url, {"instances": INSTANCES}, model_name="missing")),
            "invalid": await refusal(client.infer(url, {"instances": [{"age": 7}]}, model_name=model)),
        }
    finally:
        await client.close()


async def drive_v2(url, model):
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    headers = {}
    try:
        seen = {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model_ready": await client.is_model_ready(url, model),
            "missing_ready": await client.is_model_ready(url, "missing"),
            "json": seen_of(await client.infer(url, request(model, False, "j"), model_name=model, response_headers=headers)),
            "binary": seen_of(await client.infer(url, request(model, True, "b"), model_name=model)),
            "binary_output": seen_of(
                await client.infer(url, request(model, True, "o", {"binary_data_output": True}), model_name=model)
            ),
            "missing": await refusal(client.infer(url, request(model, True, "m"), model_name="missing")),
        }
        return {**seen, "type": headers["content-type"]}
    finally:
        await client.close()


async def drive_grpc(address, model):
    client = InferenceGRPCClient(address)
    try:
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model_ready": await client.is_model_ready(model),
            "raw": seen_of(await client.infer(request(model, True, "r"))),
            "typed": seen_of(await client.infer(request(model, False, "t"))),
            "missing": await refusal(client.infer(request("missing", True, "m"))),
        }
    finally:
        await client.close()


async def main(url, address, model):
    logging.disable(logging.CRITICAL)
    seen = {
        "v1": await drive_v1(url, model),
        "v2": await drive_v2(url, model),
        "grpc": await drive_grpc(address, model),
    }
    print(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
