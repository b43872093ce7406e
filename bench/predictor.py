"""The other side of bench/predictor.ts: trains the models, and predicts with the libraries they come from and with compilers.

python predictor.py FOLDER MODELS PEERS; then a line "MODEL PEER ROWS" on stdin is answered by the seconds it took.
"""

import importlib
import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm
import numpy as np
import xgboost

TRAINING_ROWS = 50_000
ROWS = 8192
# name: library, features, categorical features, trees, depth or leaves
MODELS = {
    "small": ("xgboost", 7, 0, 100, 6),
    "large": ("xgboost", 30, 0, 500, 6),
    "leaves": ("lightgbm", 7, 0, 100, 31),
    "deep": ("xgboost", 7, 0, 100, 10),
    "categorical": ("xgboost", 7, 3, 100, 6),
}
CATEGORIES = 12


def population(random, rows, features, categorical):
    """Rows with 5 % missing values, and a target that features move together. The last columns are codes of categories."""
    values = random.normal(size=(rows, features)).astype(np.float32)
    for column in range(features - categorical, features):
        values[:, column] = random.integers(0, CATEGORIES, rows)
    signal = values[:, 0] * values[:, 1] + np.sin(3 * values[:, 2]) + 0.3 * values[:, 3] ** 2
    for column in range(features - categorical, features):
        signal = signal + np.sin(values[:, column] * 2.4)
    target = (signal + 0.5 * random.normal(size=rows) > 0.4).astype(int)
    values[random.random(values.shape) < 0.05] = np.nan
    return values, target


class Subject:
    """A model, and what predicts its probabilities, by the name of the peer: those that are installed and take it."""

    def __init__(self, folder, name, peers):
        self.trainer, features, self.categorical, trees, size = MODELS[name]
        random = np.random.default_rng(features + trees + size)
        values, target = population(random, TRAINING_ROWS, features, self.categorical)
        self.rows = population(random, ROWS, features, self.categorical)[0]
        self.path = os.path.join(folder, f"{name}.{'json' if self.trainer == 'xgboost' else 'txt'}")
        if self.trainer == "xgboost":
            options = dict(objective="binary:logistic", max_depth=size, eta=0.1, tree_method="hist", nthread=1)
            types = ["q"] * (features - self.categorical) + ["c"] * self.categorical
            matrix = xgboost.DMatrix(values, target, feature_types=types, enable_categorical=True, nthread=1)
            self.model = xgboost.train(options, matrix, trees)
        else:
            options = dict(objective="binary", num_leaves=size, learning_rate=0.1, num_threads=1, verbose=-1)
            self.model = lightgbm.train(options, lightgbm.Dataset(values.astype(np.float64), target), trees)
        self.model.save_model(self.path)
        self.rows.astype(np.float64).tofile(os.path.join(folder, f"{name}.rows"))
        answers = self.library(folder)(self.rows)
        answers.astype(np.float64).tofile(os.path.join(folder, f"{name}.answers"))
        self.peers = {}
        for peer in peers:
            try:
                predict = getattr(self, peer)(folder)
                self.check(predict(self.typed(peer, self.rows)), answers)
                self.peers[peer] = predict
            except Exception as error:  # not installed, or it does not take this model: told, and left out
                print(f"  {name}: no {peer}: {str(error).splitlines()[0][:120]}", file=sys.stderr)

    def check(self, found, answers):
        found = np.asarray(found, dtype=np.float64).reshape(len(answers), -1)[:, -1]
        if not np.allclose(found, answers, rtol=0, atol=1e-4):
            raise ValueError("its answers differ")

    def library(self, _):
        if self.trainer == "xgboost":
            self.model.set_param({"nthread": 1})
            return self.model.inplace_predict
        return lambda rows: self.model.predict(rows, num_threads=1)

    def onnxruntime(self, _):
        import onnxmltools
        import onnxruntime
        from onnxmltools.convert.common.data_types import FloatTensorType

        convert = onnxmltools.convert_xgboost if self.trainer == "xgboost" else onnxmltools.convert_lightgbm
        options = {} if self.trainer == "xgboost" else {"zipmap": False}
        graph = convert(self.model, initial_types=[("x", FloatTensorType([None, self.rows.shape[1]]))], **options)
        threads = onnxruntime.SessionOptions()
        threads.intra_op_num_threads = threads.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph.SerializeToString(), threads, providers=["CPUExecutionProvider"])
        output = session.get_outputs()[1].name
        return lambda rows: session.run([output], {"x": rows})[0]

    def as_treelite(self):
        import treelite

        load = treelite.frontend.load_xgboost_model if self.trainer == "xgboost" else treelite.frontend.load_lightgbm_model
        return load(self.path)

    def treelite(self, _):
        import treelite

        model = self.as_treelite()
        return lambda rows: treelite.gtil.predict(model, rows, nthread=1)

    def tl2cgen(self, folder):
        import tl2cgen

        compiled = f"{self.path}.so"
        tl2cgen.export_lib(self.as_treelite(), toolchain="gcc", libpath=compiled, params={"parallel_comp": 8})
        predictor = tl2cgen.Predictor(compiled, nthread=1)
        return lambda rows: predictor.predict(tl2cgen.DMatrix(rows))

    def typed(self, peer, rows):
        single = self.trainer == "xgboost" or peer in ("onnxruntime", "treelite")
        return np.ascontiguousarray(rows, dtype=np.float32 if single else np.float64)

    def seconds(self, peer, rows):
        if peer not in self.peers:
            return float("nan")
        values = self.typed(peer, np.tile(self.rows, (-(-rows // ROWS), 1))[:rows])
        started = time.perf_counter()
        self.peers[peer](values)
        return time.perf_counter() - started


def versions():
    found = {}
    for name in ("xgboost", "lightgbm", "onnxruntime", "treelite", "tl2cgen", "numpy"):
        try:
            found[name] = importlib.import_module(name).__version__
        except Exception:
            found[name] = "absent"
    return found


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that write to the standard output write elsewhere
    folder, models, peers = sys.argv[1:4]
    subjects = {name: Subject(folder, name, peers.split(",")) for name in models.split(",")}
    print(json.dumps(versions()), file=answers, flush=True)
    for line in sys.stdin:
        name, peer, rows = line.split()
        print(subjects[name].seconds(peer, int(rows)), file=answers, flush=True)


main()
