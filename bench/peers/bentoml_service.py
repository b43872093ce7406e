"""BentoML with ONNX Runtime; its access log off, the rest as it comes."""

import os

import bentoml
import numpy
import onnxruntime


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Churn:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.outputs = [self.session.get_outputs()[1].name]

    @bentoml.api
    async def predict(
        self,
        age: float,
        tenure: float,
        balance: float,
        num_products: float,
        has_cr_card: float,
        is_active_member: float,
        estimated_salary: float,
    ) -> dict[str, float]:
        values = (age, tenure, balance, num_products, has_cr_card, is_active_member, estimated_salary)
        (probabilities,) = self.session.run(self.outputs, {"x": numpy.array([values], dtype=numpy.float32)})
        return {"churn_probability": float(probabilities[0][1])}
