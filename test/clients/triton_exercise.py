"""What the recorded exercise of Triton's clients did to MLServer, and once more with bodies compressed; each step's outcome as JSON.

mlserver-tritonclient.trace.jsonl is what went over the wire when it was recorded: tritonclient 2.73.0 against MLServer 1.7.1
and a scikit-learn model of four inputs. Usage: triton_exercise.py HOST:PORT GRPC_HOST:PORT MODEL OUTPUT
"""

import json
import sys

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

STEPS = []


def step(name, call):
    try:
        STEPS.append([name, call()])
    except InferenceServerException as raised:
        STEPS.append([name, {"status": raised.status(), "message": raised.message()}])


def tensor(module, **options):
    result = module.InferInput("input-0", [2, 4], "FP64")
    result.set_data_from_numpy(np.zeros((2, 4)), **options)
    return result


def values(result, output):
    return result.as_numpy(output).reshape(-1).tolist()


def around(client, model):
    step("live", client.is_server_live)
    step("ready", client.is_server_ready)
    step("model ready", lambda: client.is_model_ready(model))
    step("server", client.get_server_metadata)
    step("metadata", lambda: client.get_model_metadata(model))
    step("config", lambda: client.get_model_config(model))
    step("config of a version", lambda: client.get_model_config(model, "1.0.0"))
    step("index", client.get_model_repository_index)
    step("statistics", lambda: client.get_inference_statistics(model))
    step("load", lambda: client.load_model(model))
    step("trace", client.get_trace_settings)
    step("trace of a model", lambda: client.get_trace_settings(model))
    step("log", client.get_log_settings)
    step("shared memory", client.get_system_shared_memory_status)
    step("shared memory of a GPU", client.get_cuda_shared_memory_status)
    step("set log", lambda: client.update_log_settings({"log_verbose_level": 1}))
    step("config of none", lambda: client.get_model_config("none"))


def infer(client, model, output):
    for binary in (True, False):
        asked = triton.InferRequestedOutput(output, binary_data=binary)
        question = [tensor(triton, binary_data=binary)]
        step(f"infer, binary {binary}", lambda: values(client.infer(model, question, outputs=[asked]), output))
        step(f"infer no outputs, binary {binary}", lambda: values(client.infer(model, question), output))


def compressed(client, model, output):
    """Enough rows that the answer is worth compressing."""
    rows = np.zeros((2000, 4))
    for coding in ("gzip", "deflate"):
        for binary in (True, False):
            question = triton.InferInput("input-0", [2000, 4], "FP64")
            question.set_data_from_numpy(rows, binary_data=binary)
            asked = triton.InferRequestedOutput(output, binary_data=binary)
            result = client.infer(
                model,
                [question],
                outputs=[asked],
                request_compression_algorithm=coding,
                response_compression_algorithm=coding,
            )
            STEPS.append([f"{coding}, binary {binary}", sorted(set(values(result, output)))])


def main(address, grpc_address, model, output):
    client = triton.InferenceServerClient(address)
    around(client, model)
    infer(client, model, output)
    compressed(client, model, output)
    client.close()
    client = triton_grpc.InferenceServerClient(grpc_address)
    step("grpc live", lambda: [client.is_server_live(), client.is_server_ready(), client.is_model_ready(model)])
    step("grpc infer", lambda: values(client.infer(model, [tensor(triton_grpc)]), output))
    step("grpc metadata", lambda: client.get_model_metadata(model, as_json=True)["name"])
    step("grpc config", lambda: client.get_model_config(model, as_json=True)["config"]["max_batch_size"])
    step("grpc index", lambda: client.get_model_repository_index(as_json=True)["models"])
    step("grpc server", lambda: client.get_server_metadata(as_json=True)["name"])
    client.close()
    print(json.dumps(STEPS))


main(*sys.argv[1:])
