"""Drives a server with Triton's own gRPC clients, gRPC's health checking and reflection, and prints what it saw as JSON.

Usage: grpc_clients.py HOST:PORT MODEL
"""

import asyncio
import json
import queue
import sys

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf import descriptor_pb2, json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

ROWS = np.array([[20.0, 1.0], [47.0, 2.0], [47.0, 9.0]])


def tensor(name, values, datatype):
    result = triton.InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values)
    return result


def columns(rows=ROWS):
    return [
        tensor("age", rows[:, 0].astype(np.int64).reshape(-1, 1), "INT64"),
        tensor("tenure", rows[:, 1].astype(np.float32), "FP32"),
    ]


def error(call):
    try:
        call()
    except InferenceServerException as raised:
        return {"message": raised.message(), "status": raised.status()}
    return None


def seen_of(result, output):
    response = json_format.MessageToDict(result.get_response(), preserving_proto_field_name=True)
    return {"response": response, "values": result.as_numpy(output).tolist()}


def drive_sync(address, model):
    client = triton.InferenceServerClient(address)
    metadata = client.get_model_metadata(model, "1.0.0", as_json=True)
    wanted = metadata["outputs"][0]["name"]
    named = client.infer(model, columns(), outputs=[triton.InferRequestedOutput(wanted)], request_id="question-1")
    whole = client.infer(model, [tensor("input-0", ROWS, "FP64")], model_version="1.0.0", compression_algorithm="gzip")
    matrix = [tensor("input-0", ROWS, "FP64")]
    client.load_model(model)
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "missing_ready": client.is_model_ready("missing"),
        "server": client.get_server_metadata(as_json=True),
        "metadata": metadata,
        "config": client.get_model_config(model, as_json=True),
        "index": client.get_model_repository_index(as_json=True),
        "named": seen_of(named, wanted),
        "whole": seen_of(whole, wanted),
        "shared_memory": client.get_system_shared_memory_status(as_json=True),
        "trace": client.get_trace_settings(as_json=True),
        "log": client.get_log_settings(as_json=True),
        "unknown_model": error(lambda: client.infer("missing", matrix)),
        "unknown_output": error(lambda: client.infer(model, matrix, outputs=[triton.InferRequestedOutput("nope")])),
        "wrong_shape": error(lambda: client.infer(model, [tensor("input-0", ROWS[:, :1], "FP64")])),
        "classes": error(
            lambda: client.infer(model, matrix, outputs=[triton.InferRequestedOutput(wanted, class_count=1)])
        ),
        "register": error(lambda: client.register_system_shared_memory("a", "/a", 10)),
        "load_config": error(lambda: client.load_model(model, config="{}")),
        "statistics": client.get_inference_statistics(model, as_json=True),
        "stream": drive_stream(client, model, wanted),
    }
    client.unload_model(model)
    client.close()
    return seen


def drive_stream(client, model, wanted):
    """Twenty questions, one of them wrong: an answer for each, in their order."""
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for at in range(20):
        rows = ROWS[at % 3 : at % 3 + 1, : 1 if at == 10 else 2]
        client.async_stream_infer(model, [tensor("input-0", rows, "FP64")], request_id=str(at))
    seen = []
    for _ in range(20):
        result, problem = answers.get(timeout=20)
        if problem is None:
            seen.append([result.get_response().id, result.as_numpy(wanted).tolist()[0][0]])
        else:
            seen.append(["", problem.message()])
    client.stop_stream()
    return seen


async def drive_async(address, model):
    client = triton_aio.InferenceServerClient(address)
    matrix = [tensor("input-0", ROWS, "FP64")]
    wanted = (await client.get_model_metadata(model)).outputs[0].name
    results = await asyncio.gather(*(client.infer(model, matrix, request_id=f"a{at}") for at in range(50)))

    async def questions():
        for at in range(5):
            yield {"model_name": model, "inputs": [tensor("input-0", ROWS[:1], "FP64")], "request_id": str(at)}

    streamed = [
        [result.get_response().id, float(result.as_numpy(wanted)[0][0])]
        async for result, problem in client.stream_infer(questions())
    ]
    await client.close()
    return {
        "ids": [result.get_response().id for result in results],
        "values": results[-1].as_numpy(wanted).tolist(),
        "stream": streamed,
    }


def drive_typed(channel, model):
    """Typed contents instead of raw ones, and how a refusal is told to programs."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    request = service_pb2.ModelInferRequest(model_name=model, id="typed")
    age = request.inputs.add(name="age", datatype="INT64", shape=[3])
    age.contents.int64_contents.extend([20, 47, 47])
    tenure = request.inputs.add(name="tenure", datatype="FP32", shape=[3, 1])
    tenure.contents.fp32_contents.extend([1, 2, float("nan")])
    response = stub.ModelInfer(request)
    age.contents.int64_contents[1] = 7
    try:
        stub.ModelInfer(request)
        refusal = None
    except grpc.RpcError as raised:
        refusal = refusal_of(raised)
    request.raw_input_contents.append(b"\0" * 24)
    try:
        stub.ModelInfer(request)
        mixed = None
    except grpc.RpcError as raised:
        mixed = raised.code().name
    return {"response": json_format.MessageToDict(response), "refusal": refusal, "mixed": mixed}


def refusal_of(raised):
    status = rpc_status.from_call(raised)
    violations = error_details_pb2.BadRequest()
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        detail.Unpack(violations)
        detail.Unpack(info)
    fields = [[violation.field, violation.description] for violation in violations.field_violations]
    return {"code": raised.code().name, "message": raised.details(), "fields": fields, "reason": info.reason}


def drive_deadline(channel):
    """A watch never ends by itself."""
    try:
        list(health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=0.2))
    except grpc.RpcError as raised:
        return raised.code().name
    return None


def drive_health(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    names = ["", "inference.GRPCInferenceService", "bellwether.v1.PredictionService"]
    statuses = [stub.Check(health_pb2.HealthCheckRequest(service=name)).status for name in names]
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    watched = next(watch).status
    watch.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
    unknown_status = next(unknown).status
    unknown.cancel()
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        missing = None
    except grpc.RpcError as raised:
        missing = raised.code().name
    return {"statuses": statuses, "watched": watched, "unknown": unknown_status, "missing": missing}


def fields_of(descriptor):
    return {field.name: [field.number, field.type, field.is_repeated] for field in descriptor.fields}


def drive_reflection(channel, model):
    """The interface as the server describes it, held against Triton's own, and used to ask ours."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    different = []
    theirs = service_pb2.DESCRIPTOR
    ours = pool.FindServiceByName("inference.GRPCInferenceService")
    for name, method in theirs.services_by_name["GRPCInferenceService"].methods_by_name.items():
        found = ours.methods_by_name.get(name)
        if found is None or (found.client_streaming, found.server_streaming) != (
            method.client_streaming,
            method.server_streaming,
        ):
            different.append(name)
    messages = list(theirs.message_types_by_name.values())
    for message in messages:
        messages.extend(message.nested_types)
    for message in messages:
        try:
            own = fields_of(pool.FindMessageTypeByName(message.full_name))
        except KeyError:
            different.append(message.full_name)
            continue
        wanted = fields_of(message)
        different.extend(f"{message.full_name}.{name}" for name, field in own.items() if wanted.get(name) != field)
        different.extend(f"{message.full_name}.{name}" for name in wanted if name not in own)
    return {"services": list(database.get_services()), "different": sorted(different), "own": drive_own(channel, pool, model)}


def drive_own(channel, pool, model):
    """Our own interface, from nothing but what reflection says."""
    service = pool.FindServiceByName("bellwether.v1.PredictionService")
    classes = {
        name: (GetMessageClass(method.input_type), GetMessageClass(method.output_type))
        for name, method in service.methods_by_name.items()
    }
    request_of, response_of = classes["Predict"]
    predict = channel.unary_unary(
        f"/{service.full_name}/Predict", request_of.SerializeToString, response_of.FromString
    )
    stream_request, stream_response = classes["PredictStream"]
    stream = channel.stream_stream(
        f"/{service.full_name}/PredictStream", stream_request.SerializeToString, stream_response.FromString
    )

    def rows(id, ages, model=model):
        cells = [{"features": {"age": {"number": age}, "tenure": {}}} for age in ages]
        return json_format.ParseDict({"model": model, "id": id, "rows": cells}, request_of())

    table = {"features": ["tenure", "age"], "values": [1, 20, 2, 47, 9, 47]}
    by_table = json_format.ParseDict({"model": model, "version": "1.0.0", "table": table}, request_of())
    as_dict = lambda message: json_format.MessageToDict(message, preserving_proto_field_name=True)
    metadata = (("bellwether-purpose", "retention-offer"), ("x-request-id", "mine"), ("bellwether-subject", "ann"))
    answer, call = predict.with_call(rows("r1", [20, 47]), metadata=metadata)
    try:
        predict(rows("r2", [20, 7]))
        refusal = None
    except grpc.RpcError as raised:
        refusal = refusal_of(raised)
    try:
        predict(rows("r3", [20]), metadata=(("bellwether-purpose", "credit-decision"),))
        forbidden = None
    except grpc.RpcError as raised:
        forbidden = raised.code().name
    questions = [rows(f"s{at}", [20 + at if at != 3 else 7]) for at in range(200)]
    streamed = [as_dict(message) for message in stream(iter(questions))]
    return {
        "answer": as_dict(answer),
        "request_id": dict(call.initial_metadata()).get("x-request-id"),
        "table": as_dict(predict(by_table)),
        "refusal": refusal,
        "forbidden": forbidden,
        "stream_ids": [message["id"] for message in streamed],
        "stream_refusal": streamed[3],
        "stream_answers": sum("answer" in message for message in streamed),
    }


def main(address, model):
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary("/nobody.Knows/This")(b"")
            unknown = None
        except grpc.RpcError as raised:
            unknown = raised.code().name
        seen = {
            "unknown_call": unknown,
            "sync": drive_sync(address, model),
            "async": asyncio.run(drive_async(address, model)),
            "typed": drive_typed(channel, model),
            "deadline": drive_deadline(channel),
            "health": drive_health(channel),
            "reflection": drive_reflection(channel, model),
        }
    print(json.dumps(seen))


main(*sys.argv[1:])
