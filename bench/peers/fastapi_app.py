"""FastAPI with ONNX Runtime and nothing else: no record, no metrics, no log."""

import os

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
outputs = [session.get_outputs()[1].name]
app = FastAPI()


class Row(BaseModel):
    age: float
    tenure: float
    balance: float
    num_products: float
    has_cr_card: float
    is_active_member: float
    estimated_salary: float


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    values = (
        row.age,
        row.tenure,
        row.balance,
        row.num_products,
        row.has_cr_card,
        row.is_active_member,
        row.estimated_salary,
    )
    (probabilities,) = session.run(outputs, {"x": numpy.array([values], dtype=numpy.float32)})
    return {"churn_probability": float(probabilities[0][1])}
