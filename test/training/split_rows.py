"""Divides the rows of a CSV file with scikit-learn and compares with what `bellwether split` wrote.

    python split_rows.py ROWS.csv FOLDS.csv WAY FOLDS SEED
"""
import sys

import pandas
from sklearn import model_selection as ms

rows, folds = pandas.read_csv(sys.argv[1]), pandas.read_csv(sys.argv[2], keep_default_na=False)
way, k, seed = sys.argv[3], int(sys.argv[4]), None if sys.argv[5] == "-" else int(sys.argv[5])
shuffled = {} if seed is None else {"shuffle": True, "random_state": seed}
splitter = {
    "kfold": lambda: ms.KFold(k, **shuffled),
    "stratified": lambda: ms.StratifiedKFold(k, **shuffled),
    "group": lambda: ms.GroupKFold(k, **shuffled),
    "stratified-group": lambda: ms.StratifiedGroupKFold(k, **shuffled),
    "leave-one-group-out": lambda: ms.LeaveOneGroupOut(),
    "time-series": lambda: ms.TimeSeriesSplit(k, gap=3),
}[way]()
if way == "time-series":
    rows = rows.sort_values("asked", kind="stable")
wanted = list(splitter.split(rows, rows.label, rows.customer))
assert len(wanted) == folds.shape[1], (len(wanted), folds.shape)
for fold, (train, test) in enumerate(wanted):
    found = folds[f"fold_{fold}"]
    for word, part in (("train", train), ("test", test)):
        assert sorted(rows.index[part]) == list(found.index[found == word]), (way, fold, word)
