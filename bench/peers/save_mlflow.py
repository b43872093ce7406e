"""Writes the XGBoost model as an MLflow model: save_mlflow.py MODEL.json FOLDER"""

import sys

import mlflow.xgboost
import xgboost

mlflow.xgboost.save_model(xgboost.Booster(model_file=sys.argv[1]), sys.argv[2])
