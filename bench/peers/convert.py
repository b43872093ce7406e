"""Writes the XGBoost model as ONNX: convert.py MODEL.json MODEL.onnx"""

import sys

import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

booster = xgboost.Booster(model_file=sys.argv[1])
# The converter takes the columns by number.
booster.feature_names = None
graph = onnxmltools.convert_xgboost(booster, initial_types=[("x", FloatTensorType([None, booster.num_features()]))])
with open(sys.argv[2], "wb") as file:
    file.write(graph.SerializeToString())
