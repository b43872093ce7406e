"""Trains the churn model of the simulated bank: train.csv in, model.json out, metrics on evaluation.csv printed.

    pip install xgboost==3.2.0 numpy && python examples/churn/train.py
"""

import csv
import pathlib

import numpy as np
import xgboost as xgb

FOLDER = pathlib.Path(__file__).parent
FEATURES = ["age", "tenure", "balance", "num_products", "has_cr_card", "is_active_member", "estimated_salary"]
TARGET = "churned"
PARAMETERS = {
    "objective": "binary:logistic",
    "eta": 0.08,
    "max_depth": 4,
    "min_child_weight": 8,
    "subsample": 0.8,
    "seed": 20261122,
    "nthread": 1,  # sums in one order: the same file again
}
ROUNDS = 60


def read(name):
    with open(FOLDER / name, newline="") as file:
        rows = list(csv.DictReader(file))
    features = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    return features, np.array([float(row[TARGET]) for row in rows])


def roc_auc(labels, scores):
    """Mann-Whitney: the share of (positive, negative) pairs in the right order, ties counting one half."""
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = labels.sum()
    return (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def main():
    features, labels = read("train.csv")
    data = xgb.DMatrix(features, label=labels, feature_names=FEATURES)
    model = xgb.train(PARAMETERS, data, num_boost_round=ROUNDS)
    model.save_model(FOLDER / "model.json")

    features, labels = read("evaluation.csv")
    scores = model.predict(xgb.DMatrix(features, feature_names=FEATURES)).astype(float)
    decided = scores >= 0.5
    hits = (decided & (labels == 1)).sum()
    metrics = {
        "accuracy": (decided == labels).mean(),
        "f1_score": 2 * hits / (decided.sum() + labels.sum()),
        "auc_roc": roc_auc(labels, scores),
        "log_loss": -np.where(labels == 1, np.log(scores), np.log(1 - scores)).mean(),
        "brier": ((scores - labels) ** 2).mean(),
    }
    print(f"xgboost {xgb.__version__}, numpy {np.__version__}, {ROUNDS} trees, {len(labels)} customers to judge by")
    for name, value in metrics.items():
        print(f"  {name}: {value:.4f}")


if __name__ == "__main__":
    main()
