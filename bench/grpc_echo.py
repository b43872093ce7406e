"""What Python's own asyncio server does at best: takes a ModelInferRequest apart, and sends its tensors back. Nothing else.

Prints its address when it answers.
"""

import asyncio

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc


class Echo(service_pb2_grpc.GRPCInferenceServiceServicer):
    async def ModelInfer(self, request, context):
        response = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version="1.0.0", id=request.id, raw_output_contents=request.raw_input_contents
        )
        for tensor in request.inputs:
            response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        return response


async def main():
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


asyncio.run(main())
