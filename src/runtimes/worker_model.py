"""What a Python model is and how it is asked: loading an artifact, describing it, answering rows. Part of `worker.py`."""
import io
import os
import shutil
import sys
import warnings

TEXT_MAX = 2000
FOLDER = os.environ["TMPDIR"]  # made for this process alone, and removed with it; a model may go elsewhere meanwhile


class Refusal(Exception):
    """What the server should be told in our own words: a kind and a message."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Model:
    """A loaded artifact, and how it is asked."""

    def __init__(self, subject, pyfunc=None):
        self.subject = subject
        self.pyfunc = pyfunc  # the same as an mlflow.pyfunc model, where it came so
        self.columns = []
        self.labels = None


# -- loading ------------------------------------------------------------------------------------------------------------


def versions(told):
    from importlib import metadata

    found = {}
    for name in told["names"]:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return {"python": "%d.%d.%d" % sys.version_info[:3], "installed": found}


def load(told, body):
    packaging, trust = told["packaging"], told["trust"]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        if packaging == "skops":
            model = Model(load_skops(bytes(body), trust))
        elif not trust:
            raise Refusal("untrusted", "loading it runs its code")
        elif packaging == "mlflow" or is_packed_tar(body):
            packaging = "mlflow"
            model = load_mlflow(body)
        else:
            model = Model(load_pickle(body))
    notes = sorted({f"{one.category.__name__}: {one.message}"[:TEXT_MAX] for one in heard if is_telling(one)})
    return model, {**describe(model), "packaging": packaging, "warnings": notes[:5]}


def is_telling(warning):
    return not issubclass(warning.category, (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning))


def load_skops(data, trust):
    try:
        from skops import io as skops
    except ImportError as error:
        raise Refusal("environment", "skops is not installed in the Python environment") from error
    unknown = skops.get_untrusted_types(data=data)
    if unknown and not trust:
        raise Refusal("untrusted", f"it has types that skops does not trust: {', '.join(map(str, unknown[:20]))}")
    return skops.loads(data, trusted=unknown)


def load_pickle(data):
    """joblib writes arrays into the stream raw, or compresses all of it; a plain pickle needs no joblib."""
    if data[:1] == b"\x80" and data.find(b"joblib.numpy_pickle") < 0:
        import pickle

        return pickle.loads(data)
    try:
        import joblib
    except ImportError as error:
        raise Refusal("environment", "joblib is not installed in the Python environment") from error
    return joblib.load(io.BytesIO(data))


def load_mlflow(data):
    folder = unpack(data)
    try:
        import mlflow.pyfunc
    except ImportError as error:
        raise Refusal("environment", "mlflow is not installed in the Python environment") from error
    pyfunc = mlflow.pyfunc.load_model(folder)
    if "sklearn" in pyfunc.metadata.flavors:
        # The function of this flavour answers classes alone; the estimator has the probabilities, too.
        import mlflow.sklearn

        return Model(mlflow.sklearn.load_model(folder), pyfunc)
    return Model(pyfunc, pyfunc)


def is_packed_tar(data):
    """joblib compresses with gzip, too: the two differ only inside."""
    if data[:2] != b"\x1f\x8b":
        return False
    import gzip

    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(262)[257:262] == b"ustar"


def unpack(data):
    """A zip or tar of an MLflow model into a folder of ours; the folder that holds the file MLmodel."""
    root = os.path.join(FOLDER, "model")
    for name, content in members(data):
        path = os.path.normpath(os.path.join(root, name))
        if not path.startswith(root + os.sep):
            raise Refusal("load", f"the archive has a file outside of itself: {name}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            shutil.copyfileobj(content, file)
    found = sorted((at for at, _, files in os.walk(root) if "MLmodel" in files), key=len)
    if not found:
        raise Refusal("load", "the archive has no file MLmodel")
    return found[0]


def members(data):
    if data[:2] == b"PK":
        import zipfile

        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    with archive.open(entry) as content:
                        yield entry.filename, content
        return
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            if entry.isfile():
                yield entry.name, archive.extractfile(entry)


# -- what it is ---------------------------------------------------------------------------------------------------------

METHODS = ("predict_proba", "decision_function", "predict")
LIBRARIES = {"sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "catboost": "catboost", "mlflow": "mlflow",
             "statsmodels": "statsmodels", "skops": "skops", "joblib": "joblib", "numpy": "numpy", "pandas": "pandas"}


def describe(model):
    subject = model.subject
    kind = type(subject)
    last = last_step(subject)
    names, types = named_inputs(model)
    classes, several = classes_of(subject)
    methods = [name for name in METHODS if callable(getattr(subject, name, None))]
    if not methods and callable(subject):
        methods = ["__call__"]
    if model.pyfunc is not None:
        methods.append("pyfunc")
        if model.pyfunc is subject:
            methods = ["pyfunc"]
    loaded = {name: of for name, of in LIBRARIES.items() if name in sys.modules}
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "estimator": type(last).__name__,
        "names": names,
        "types": types,
        "count": whole(getattr(subject, "n_features_in_", None)),
        "classes": classes,
        "several": several,
        "methods": methods,
        "role": role_of(subject),
        "codes": wants_categories(last),
        "libraries": versions({"names": list(loaded.values())})["installed"],
    }


def last_step(subject):
    while hasattr(subject, "steps") and len(subject.steps) > 0 and not isinstance(subject.steps[-1][1], str):
        subject = subject.steps[-1][1]
    return subject


def whole(value):
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def named_inputs(model):
    """Names of the columns, and MLflow's types of them where it wrote a signature."""
    schema = model.pyfunc.metadata.get_input_schema() if model.pyfunc is not None else None
    if schema is not None and schema.has_input_names() and not schema.is_tensor_spec():
        return schema.input_names(), [str(each.type.name) if hasattr(each.type, "name") else "any" for each in schema.inputs]
    for name in ("feature_names_in_", "feature_names_", "feature_name_"):
        found = getattr(model.subject, name, None)
        if found is not None and not callable(found):
            return [str(each) for each in found], None
    return None, None


def classes_of(subject):
    found = getattr(subject, "classes_", None)
    if found is None:
        return None, False
    if isinstance(found, list) and len(found) > 0 and hasattr(found[0], "__len__") and not isinstance(found[0], str):
        return None, True  # one list for each target
    return [str(each) for each in found], False


def role_of(subject):
    if "sklearn" in sys.modules:
        from sklearn import base

        for name in ("classifier", "regressor", "clusterer", "outlier_detector"):
            judge = getattr(base, f"is_{name}", None)
            try:
                if judge is not None and judge(subject):
                    return name
            except Exception:  # an object that is no estimator may fail in any way here
                break
    told = getattr(subject, "_estimator_type", None)
    return told if isinstance(told, str) else None


def wants_categories(last):
    """LightGBM and XGBoost trained on pandas categories want such again."""
    try:
        booster = last.booster_ if hasattr(last, "booster_") else last
        if getattr(booster, "pandas_categorical", None):
            return True
        booster = last.get_booster() if hasattr(last, "get_booster") else last
        return "c" in (getattr(booster, "feature_types", None) or [])
    except Exception:  # not fitted, or another library's object with such a name
        return False


# -- answering ----------------------------------------------------------------------------------------------------------


def take_columns(model, told):
    import numpy

    model.columns = told["columns"]
    model.frame = told["input"] == "dataframe"
    model.categorical = told["texts"] == "category"
    model.method = told["method"]
    model.rounded = told.get("numbers") == "float32"
    classes = getattr(model.subject, "classes_", None)
    model.labels = None if classes is None or told["method"] != "predict" else {each: at for at, each in enumerate(list(classes))}
    model.texts = [numpy.array([*column["categories"], None], dtype=object) if column["type"] == "text" else None
                   for column in model.columns]
    return {"outputs": probe(model, told["trial"])}


def probe(model, trial):
    """A first answer, which also loads what is loaded late; a model may well refuse a made-up row."""
    import numpy

    try:
        columns = [numpy.zeros(1, dtype=TYPES[one]) for one in trial]
        return int(answer(model, columns, 1).shape[1])
    except Exception:
        return None


TYPES = {"f": "<f8", "i": "<i8", "b": "|b1", "t": "<i4"}


def tell_trace(headers):
    """Lets the model's own instrumentation go on with the trace: OpenTelemetry's environment carriers."""
    for name in ("traceparent", "tracestate"):
        if name in headers:
            os.environ[name.upper()] = headers[name]
        else:
            os.environ.pop(name.upper(), None)


def predict(model, told, body):
    import numpy

    tell_trace(told.get("trace", {}))
    rows, at, columns = told["rows"], 0, []
    for one in told["types"]:
        kind = numpy.dtype(TYPES[one])
        columns.append(numpy.frombuffer(body, kind, rows, at))
        at += -(-rows * kind.itemsize // 8) * 8  # each column begins at a multiple of eight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answered = answer(model, columns, rows)
    return {"outputs": int(answered.shape[1])}, numpy.ascontiguousarray(answered, dtype="<f8").tobytes()


def answer(model, columns, rows):
    """The model's numbers, a row for each row."""
    import numpy

    if model.rounded:
        columns = [column if model.texts[at] is not None else column.astype("f4") for at, column in enumerate(columns)]
    given = data_frame(model, columns) if model.frame else matrix(model, columns)
    if model.method == "pyfunc":
        found = model.pyfunc.predict(cast(model, given))
    elif model.method == "__call__":
        found = model.subject(given)
    elif type(model.subject).__module__.startswith("xgboost.") and type(model.subject).__name__ == "Booster":
        import xgboost

        found = model.subject.predict(xgboost.DMatrix(given, enable_categorical=model.categorical))
    else:
        found = getattr(model.subject, model.method)(given)
    found = numpy.asarray(found)
    if model.labels is not None and found.dtype.kind not in "fiub":
        found = numpy.array([model.labels[each] for each in found.ravel().tolist()], dtype="f8").reshape(found.shape)
    if found.dtype.kind not in "fiub":
        raise Refusal("predict", f"it answers {found.dtype}, numbers were wanted")
    if found.ndim == 0 or found.shape[0] != rows:
        raise Refusal("predict", f"it answers {found.shape[0] if found.ndim else 'one'} rows to {rows}")
    found = found.reshape(rows, -1)
    if model.method == "predict_proba" and found.shape[1] == 2:
        found = found[:, 1:]  # the other is one less this
    return found


def data_frame(model, columns):
    import pandas

    return pandas.DataFrame({column["name"]: cells(model, at, columns[at]) for at, column in enumerate(model.columns)})


def cells(model, at, values):
    import pandas

    texts = model.texts[at]
    if texts is None:
        return values.copy()  # the buffer is read-only to nobody else, but models write into their inputs
    if model.categorical:
        return pandas.Categorical.from_codes(values, categories=model.columns[at]["categories"])
    return texts[values]  # −1, which is missing, is the last


def matrix(model, columns):
    import numpy

    if all(texts is None for texts in model.texts):
        return numpy.stack([column.astype("f4" if model.rounded else "f8") for column in columns], axis=1)
    return numpy.stack([cells(model, at, column).astype(object) for at, column in enumerate(columns)], axis=1)


NUMPY_OF = {"integer": "i4", "long": "i8", "float": "f4", "double": "f8", "boolean": "?"}


def cast(model, frame):
    """MLflow refuses a number of another width than its signature's, even where no digit would be lost."""
    schema = model.pyfunc.metadata.get_input_schema()
    if schema is None or schema.is_tensor_spec():
        return frame
    for each in schema.inputs:
        wanted = NUMPY_OF.get(getattr(each.type, "name", ""))
        if wanted is not None and each.name in frame and not frame[each.name].isna().any():
            frame[each.name] = frame[each.name].astype(wanted)
    return frame
