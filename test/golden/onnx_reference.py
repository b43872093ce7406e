"""Makes test/golden/onnx: small models of scikit-learn, XGBoost, LightGBM and CatBoost as ONNX, and what ONNX Runtime answers.

    pip install skl2onnx onnxmltools onnxruntime scikit-learn xgboost lightgbm catboost
    python test/golden/onnx_reference.py test/golden/onnx

Each case is NAME.onnx and an entry of cases.json: `rows` (as the columns of the model, texts and null included), the answer
wanted (`expected`), and `native`: whether it is computed without ONNX Runtime. Seeded; the answers are those of one thread.
"""
import json
import sys
import tempfile
from pathlib import Path

import catboost
import lightgbm as lgb
import numpy as np
import onnxruntime as ort
import pandas as pd
import sklearn
import skl2onnx
import xgboost as xgb
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as OmtFloat
from onnx import load_model_from_string as onnx_load
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn import compose, decomposition, discriminant_analysis, ensemble, feature_selection, impute, linear_model
from sklearn import naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree, calibration, multioutput, multiclass

OUT = Path(sys.argv[1])
ROWS = 24
rng = np.random.default_rng(20261123)

X = rng.normal(size=(400, 5)).astype(np.float32)
X[:, 2] = np.round(X[:, 2] * 2)
LOGIT = X[:, 0] * 1.5 - X[:, 1] + 0.5 * X[:, 2] * X[:, 3]
Y2 = (LOGIT + rng.normal(size=400) > 0).astype(int)
Y3 = np.digitize(LOGIT, [-1, 1])
TEXT3 = np.array(['low', 'mid', 'high'])[Y3]
YR = (LOGIT * 3 + 20 + rng.normal(size=400)).astype(np.float32)
POSITIVE = np.exp(LOGIT / 3).astype(np.float32)
TEST = np.vstack([X[:16], rng.normal(size=(8, 5)) * 5]).astype(np.float32)
TEST[17, 2] = np.nan
TEST[18, 0] = np.nan
TEST[19] = np.nan
FRAME = pd.DataFrame({
    'age': rng.integers(18, 80, 400).astype(np.float32),
    'balance': np.where(rng.random(400) < 0.2, np.nan, rng.lognormal(8, 2, 400)).astype(np.float32),
    'place': rng.choice(['Oslo', 'Paris', 'Rome'], 400),
    'plan': rng.choice(['a', 'b', ''], 400),
    'visits': rng.integers(0, 9, 400),
})
YF = ((FRAME.age > 45).astype(int) + (FRAME.place == 'Rome') + (FRAME.visits > 5) + rng.normal(size=400) > 1.2).astype(int).to_numpy()
FRAME_TYPES = [('age', FloatTensorType([None, 1])), ('balance', FloatTensorType([None, 1])), ('place', StringTensorType([None, 1])),
               ('plan', StringTensorType([None, 1])), ('visits', Int64TensorType([None, 1]))]
FRAME_TEST = FRAME[:ROWS].copy()
FRAME_TEST.loc[3, 'place'] = 'Nowhere'
FRAME_TEST.loc[4, 'plan'] = 'zzz'
FRAME_TEST.loc[5, 'age'] = np.nan

cases = {}


def run(model, feed):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=['CPUExecutionProvider'])
    names = [o.name for o in session.get_outputs()]
    found = dict(zip(names, session.run(None, feed)))
    for name in names:
        if 'prob' in name or 'score' in name:
            break
    else:
        name = next((n for n in names if getattr(found[n], 'dtype', None) in (np.float32, np.float64)), names[0])
    answer = found[name]
    if isinstance(answer, list):
        answer = np.array([list(row.values()) for row in answer])
    if answer.dtype.kind in 'OU':
        return [str(v) for v in answer.ravel()]
    answer = answer.reshape(len(answer), -1).astype(np.float64)
    return answer


def put(name, model, rows, feed, native):
    blob = model if isinstance(model, bytes) else model.SerializeToString()
    (OUT / f'{name}.onnx').write_bytes(blob)
    expected = run(blob, feed)
    if not isinstance(expected, list):
        outputs = {o.name for o in onnx_load(blob).graph.output}
        isTwo = expected.shape[1] == 2 and any('label' in o for o in outputs)
        expected = (expected[:, 1:] if isTwo else expected).tolist()
        expected = [[plain(v) for v in row] for row in expected]
    else:
        expected = [[v] for v in expected]
    cases[name] = {'native': native, 'rows': rows, 'expected': expected}


def plain(value):
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else ('Infinity' if value == np.inf else '-Infinity' if value == -np.inf else float(value))
    return value.item() if isinstance(value, np.generic) else value


def matrix(name, estimator, y, *, x=X, test=TEST, nan=False, options=None, native=True, types=None, **more):
    try:
        rows = test if nan else np.nan_to_num(test, nan=0.5).astype(test.dtype)
        estimator.fit(x, y)
        kind = types or [('X', FloatTensorType([None, x.shape[1]]))]
        if options is None and hasattr(estimator, 'predict_proba'):
            options = {id(estimator): {'zipmap': False}}
        model = to_onnx(estimator, initial_types=kind, options=options, target_opset=more.get('opset', {'': 17, 'ai.onnx.ml': 3}))
        put(name, model, [[plain(v) for v in row] for row in rows.tolist()], {'X': rows}, native)
    except Exception as error:  # some converters do not know the newest estimators
        print(f'{name}: {type(error).__name__}: {str(error)[:150]}', file=sys.stderr)


def boosted(name, model, convert, *, test=TEST, native=True):
    try:
        onnx = convert(model, initial_types=[('input', OmtFloat([None, 5]))], target_opset=15)
        put(name, onnx, [[plain(v) for v in row] for row in test.tolist()], {'input': test}, native)
    except Exception as error:
        print(f'{name}: {type(error).__name__}: {str(error)[:150]}', file=sys.stderr)


def frame(name, steps, final, y=YF, *, native=True, test=FRAME_TEST, zipmap=False):
    try:
        model = pipeline.Pipeline([('prepare', steps), ('final', final)]).fit(FRAME, y)
        options = {id(model): {'zipmap': zipmap}} if hasattr(model, 'predict_proba') else None
        onnx = to_onnx(model, initial_types=FRAME_TYPES, options=options, target_opset={'': 17, 'ai.onnx.ml': 3})
        types = dict(age=np.float32, balance=np.float32, visits=np.int64)
        used = {i.name for i in onnx.graph.input}
        feed = {c: test[[c]].to_numpy().astype(types.get(c, object)) for c in FRAME if c in used}
        rows = [[plain(v) for v in row] for row in test[[i.name for i in onnx.graph.input]].itertuples(index=False)]
        put(name, onnx, rows, feed, native)
    except Exception as error:
        print(f'{name}: {type(error).__name__}: {str(error)[:200]}', file=sys.stderr)


def scaled(*steps):
    return pipeline.make_pipeline(*steps)


# --- trees
matrix('tree_classifier', tree.DecisionTreeClassifier(max_depth=4), Y2)
matrix('tree_classifier_3', tree.DecisionTreeClassifier(max_depth=4), Y3)
matrix('tree_regressor', tree.DecisionTreeRegressor(max_depth=4), YR)
matrix('tree_two_targets', tree.DecisionTreeRegressor(max_depth=4), np.column_stack([YR, POSITIVE]))
matrix('forest_classifier', ensemble.RandomForestClassifier(8, max_depth=4), Y2)
matrix('forest_classifier_3', ensemble.RandomForestClassifier(8, max_depth=4), TEXT3)
matrix('forest_regressor', ensemble.RandomForestRegressor(8, max_depth=4), YR)
matrix('extra_trees', ensemble.ExtraTreesClassifier(8, max_depth=4), Y3)
matrix('boosting_classifier', ensemble.GradientBoostingClassifier(n_estimators=8), Y2)
matrix('boosting_classifier_3', ensemble.GradientBoostingClassifier(n_estimators=5), Y3)
matrix('boosting_regressor', ensemble.GradientBoostingRegressor(n_estimators=8), YR)
matrix('boosting_regressor_huber', ensemble.GradientBoostingRegressor(n_estimators=8, loss='huber'), YR)
matrix('bagging', ensemble.BaggingClassifier(n_estimators=3, random_state=0), Y2, native=False)
matrix('adaboost', ensemble.AdaBoostClassifier(n_estimators=4), Y2)
matrix('adaboost_regressor', ensemble.AdaBoostRegressor(n_estimators=4), YR, native=False)
matrix('isolation_forest', ensemble.IsolationForest(n_estimators=4), Y2)
matrix('forest_int64', ensemble.RandomForestClassifier(4, max_depth=4), Y2, x=np.round(X * 3).astype(np.int64),
       test=np.round(np.nan_to_num(TEST) * 3).astype(np.int64), types=[('X', Int64TensorType([None, 5]))])
# --- linear
matrix('logistic', linear_model.LogisticRegression(), Y2)
matrix('logistic_3', linear_model.LogisticRegression(), TEXT3)
matrix('logistic_ovr', multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), Y3)
matrix('linear', linear_model.LinearRegression(), YR)
matrix('linear_two_targets', linear_model.LinearRegression(), np.column_stack([YR, POSITIVE]))
matrix('ridge', linear_model.Ridge(), YR)
matrix('lasso', linear_model.Lasso(0.1), YR)
matrix('elastic_net', linear_model.ElasticNet(0.1), YR)
matrix('ridge_double', linear_model.Ridge(), YR, x=X.astype(float), test=TEST.astype(float), types=[('X', DoubleTensorType([None, 5]))])
matrix('poisson', linear_model.PoissonRegressor(), POSITIVE)
matrix('gamma', linear_model.GammaRegressor(), POSITIVE)
matrix('tweedie', linear_model.TweedieRegressor(power=1.5), POSITIVE)
matrix('sgd_classifier', linear_model.SGDClassifier(loss='log_loss'), Y2)
matrix('ridge_classifier', linear_model.RidgeClassifier(), Y2)
matrix('perceptron', linear_model.Perceptron(), Y3)
matrix('lda', discriminant_analysis.LinearDiscriminantAnalysis(), Y3)
matrix('qda', discriminant_analysis.QuadraticDiscriminantAnalysis(), Y2, native=False)
matrix('linear_svc', svm.LinearSVC(), Y2)
matrix('huber', linear_model.HuberRegressor(), YR)
# --- networks and the like
matrix('mlp_classifier', neural_network.MLPClassifier((6, 4), max_iter=200), Y2)
matrix('mlp_classifier_3', neural_network.MLPClassifier((6,), activation='tanh', max_iter=200), Y3)
matrix('mlp_regressor', neural_network.MLPRegressor(hidden_layer_sizes=(6,), activation='logistic', max_iter=500), YR)
matrix('naive_bayes', naive_bayes.GaussianNB(), Y3, native=False)
matrix('bernoulli_bayes', naive_bayes.BernoulliNB(), Y2, native=False)
matrix('calibrated', calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(max_depth=3), cv=2), Y2)
matrix('calibrated_isotonic', calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(max_depth=3), cv=2, method='isotonic'), Y2)
matrix('voting', ensemble.VotingClassifier([('a', linear_model.LogisticRegression()), ('b', tree.DecisionTreeClassifier(max_depth=3))], voting='soft', flatten_transform=False), Y2)
matrix('voting_regressor', ensemble.VotingRegressor([('a', linear_model.LinearRegression()), ('b', tree.DecisionTreeRegressor(max_depth=3))]), YR)
matrix('stacking', ensemble.StackingClassifier([('a', linear_model.LogisticRegression()), ('b', tree.DecisionTreeClassifier(max_depth=3))], cv=2), Y2)
matrix('svc', svm.SVC(probability=True), Y2, native=False)
matrix('svr', svm.SVR(), YR, native=False)
matrix('neighbours', neighbors.KNeighborsClassifier(3), Y3, native=False)
# --- columns
for key, step, able in [
    ('standard', preprocessing.StandardScaler(), True), ('min_max', preprocessing.MinMaxScaler(clip=True), True), ('max_abs', preprocessing.MaxAbsScaler(), True),
    ('robust', preprocessing.RobustScaler(), True), ('normalizer_l1', preprocessing.Normalizer('l1'), True),
    ('normalizer_l2', preprocessing.Normalizer('l2'), True), ('normalizer_max', preprocessing.Normalizer('max'), True),
    ('polynomial', preprocessing.PolynomialFeatures(2), True), ('power', preprocessing.PowerTransformer(), True),
    ('quantile', preprocessing.QuantileTransformer(n_quantiles=20), False), ('bins', preprocessing.KBinsDiscretizer(4, quantile_method='linear', encode='onehot-dense'), True),
    ('binarizer', preprocessing.Binarizer(threshold=0.3), True), ('pca', decomposition.PCA(3), True), ('svd', decomposition.TruncatedSVD(3), True),
    ('select', feature_selection.SelectKBest(k=3), True), ('variance', feature_selection.VarianceThreshold(), True),
    ('function', preprocessing.FunctionTransformer(), True),
]:
    matrix(f'scaled_{key}', scaled(step, linear_model.LogisticRegression()), Y2, native=able)
matrix('imputed_trees', scaled(impute.SimpleImputer(strategy='median'), ensemble.RandomForestClassifier(4, max_depth=4)), Y2, nan=True)
numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
onehot = preprocessing.OneHotEncoder(handle_unknown='ignore')
frame('frame_logistic', compose.ColumnTransformer([('n', numbers, ['age', 'balance']), ('c', onehot, ['place', 'plan'])]), linear_model.LogisticRegression())
frame('frame_boosting', compose.ColumnTransformer([('n', numbers, ['age', 'balance']), ('c', onehot, ['place', 'plan']), ('v', 'passthrough', ['visits'])]),
      ensemble.GradientBoostingClassifier(n_estimators=6))
frame('frame_ordinal', compose.ColumnTransformer([('n', numbers, ['age', 'balance']),
      ('c', preprocessing.OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1), ['place', 'plan'])]), ensemble.RandomForestClassifier(5, max_depth=4))
frame('frame_ints', compose.ColumnTransformer([('v', preprocessing.OneHotEncoder(handle_unknown='ignore'), ['visits']), ('n', numbers, ['age', 'balance'])]),
      tree.DecisionTreeClassifier(max_depth=4))
frame('frame_zipmap', compose.ColumnTransformer([('c', onehot, ['place', 'plan'])]), linear_model.LogisticRegression(), np.where(YF, 'yes', 'no'), zipmap=True)
# --- XGBoost, LightGBM
gaps = np.where(rng.random(X.shape) < 0.1, np.nan, X).astype(np.float32)
boosted('xgb_binary', xgb.XGBClassifier(n_estimators=6, max_depth=3).fit(gaps, Y2), convert_xgboost)
boosted('xgb_multiclass', xgb.XGBClassifier(n_estimators=4, max_depth=3).fit(gaps, Y3), convert_xgboost)
boosted('xgb_regression', xgb.XGBRegressor(n_estimators=6, max_depth=3).fit(gaps, YR), convert_xgboost)
boosted('xgb_poisson', xgb.XGBRegressor(n_estimators=6, max_depth=3, objective='count:poisson').fit(gaps, np.round(POSITIVE)), convert_xgboost)
boosted('xgb_logistic_regression', xgb.XGBRegressor(n_estimators=6, max_depth=3, objective='reg:logistic').fit(gaps, Y2), convert_xgboost)
boosted('xgb_forest', xgb.XGBRFClassifier(n_estimators=6, max_depth=3).fit(gaps, Y2), convert_xgboost)
quiet = dict(n_estimators=6, num_leaves=8, verbose=-1)
boosted('lgb_binary', lgb.LGBMClassifier(**quiet).fit(gaps, Y2), convert_lightgbm)
boosted('lgb_multiclass', lgb.LGBMClassifier(**quiet).fit(gaps, Y3), convert_lightgbm)
boosted('lgb_regression', lgb.LGBMRegressor(**quiet).fit(gaps, YR), convert_lightgbm)
boosted('lgb_poisson', lgb.LGBMRegressor(**quiet, objective='poisson').fit(gaps, POSITIVE), convert_lightgbm)
boosted('lgb_forest', lgb.LGBMClassifier(**quiet, boosting_type='rf', bagging_freq=1, bagging_fraction=0.7).fit(gaps, Y2), convert_lightgbm)
whole = np.nan_to_num(np.round(np.abs(gaps) * 3)).astype(np.float32)
boosted('lgb_categorical', lgb.LGBMClassifier(**quiet, min_child_samples=5, min_data_per_group=5, cat_smooth=1).fit(whole, Y2, categorical_feature=[1, 2]), convert_lightgbm,
        test=np.abs(np.round(np.nan_to_num(TEST) * 3)))


def cat(name, model, y):
    model.fit(gaps, y)
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(f'{folder}/m.onnx', format='onnx')
        put(f'cat_{name}', Path(f'{folder}/m.onnx').read_bytes(), [[plain(v) for v in row] for row in TEST.tolist()], {'features': TEST}, True)


small = dict(iterations=6, depth=3, verbose=False, allow_writing_files=False, random_seed=1)
cat('binary', catboost.CatBoostClassifier(**small), Y2)
cat('multiclass', catboost.CatBoostClassifier(**small), TEXT3)
cat('regression', catboost.CatBoostRegressor(**small), YR)

# --- single operators
from onnx import TensorProto, helper as h, numpy_helper as nh

LABEL, PROBABLY = ('label', TensorProto.INT64, [None]), ('probabilities', TensorProto.FLOAT, None)


def graph(name, nodes, *, inputs=None, outputs=None, constants=None, rows=TEST, opset=17, ml=3, native=True, feed=None):
    try:
        inputs = inputs or [('x', TensorProto.FLOAT, [None, 5])]
        outputs = outputs or [('y', TensorProto.FLOAT, None)]
        made = h.make_graph(nodes, 'g', [h.make_tensor_value_info(*i) for i in inputs], [h.make_tensor_value_info(*o) for o in outputs],
                            [nh.from_array(np.asarray(v), k) for k, v in (constants or {}).items()])
        model = h.make_model(made, opset_imports=[h.make_opsetid('', opset), h.make_opsetid('ai.onnx.ml', ml)], ir_version=8)
        feed = feed or {inputs[0][0]: rows}
        put(name, model, [[plain(v) for v in row] for row in np.asarray(rows).tolist()], feed, native)
    except Exception as error:
        print(f'{name}: {type(error).__name__}: {str(error)[:300]}', file=sys.stderr)


def one(name, op, *more, constants=None, attributes=None, **options):
    domain = options.pop('domain', '')
    graph(f'op_{name}', [h.make_node(op, ['x', *more], ['y'], domain=domain, **(attributes or {}))], constants=constants, **options)


FULL = np.nan_to_num(TEST, nan=0.25).astype(np.float32)
HALF = np.vstack([np.arange(-12, 12)[:, None] / 2 + np.arange(5) * 0.25]).astype(np.float32)
one('exp', 'Exp', rows=HALF / np.float32(4))
one('sigmoid', 'Sigmoid', rows=HALF, outputs=[('y', TensorProto.FLOAT, [None, 5])])
for op in ['Abs', 'Neg', 'Tanh', 'Erf', 'Softplus', 'Floor', 'Ceil', 'Round', 'Sign', 'Reciprocal', 'Relu', 'LeakyRelu']:
    one(op.lower(), op, rows=HALF)
one('sqrt', 'Sqrt', rows=np.abs(HALF))
one('log', 'Log', rows=np.abs(HALF) + np.float32(0.1))
for op in ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min']:
    one(op.lower(), op, 'c', rows=np.abs(HALF) + np.float32(0.5), constants={'c': np.array([0.5, 2, 3, 1, 1.5], np.float32)})
for op in ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']:
    graph(f'op_{op.lower()}', [h.make_node(op, ['x', 'c'], ['t']), h.make_node('Cast', ['t'], ['y'], to=1)], constants={'c': np.array([[0.5]], np.float32)})
graph('op_logic', [h.make_node('Less', ['x', 'a'], ['l']), h.make_node('Greater', ['x', 'b'], ['g']), h.make_node('IsNaN', ['x'], ['n']),
                   h.make_node('Or', ['l', 'g'], ['o']), h.make_node('Xor', ['o', 'n'], ['e']), h.make_node('Not', ['e'], ['t']),
                   h.make_node('And', ['t', 't'], ['u']), h.make_node('Where', ['u', 'x', 'b'], ['w']),
                   h.make_node('Where', ['n', 'a', 'w'], ['y'])],
      constants={'a': np.float32(-0.5), 'b': np.array([[0.5]], np.float32)})
one('clip', 'Clip', 'a', 'b', constants={'a': np.float32(-1), 'b': np.float32(1)}, rows=HALF)
one('clip_6', 'Clip', attributes={'min': -1.0, 'max': 0.5}, opset=6, rows=HALF)
one('softmax', 'Softmax', rows=HALF)
one('softmax_11', 'Softmax', opset=11, rows=HALF)
one('logsoftmax', 'LogSoftmax', rows=HALF)
one('lp_normalization', 'LpNormalization', attributes={'p': 1}, rows=HALF)
for op in ['ReduceMin', 'ReduceMax', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceMean']:
    one(op.lower(), op, attributes={'axes': [1], 'keepdims': 1}, rows=HALF)
one('reducesum', 'ReduceSum', 'a', constants={'a': np.array([-1])}, attributes={'keepdims': 0}, rows=HALF)
graph('op_argmax', [h.make_node('ArgMax', ['x'], ['i'], axis=1), h.make_node('ArgMin', ['x'], ['j'], axis=-1, keepdims=1), h.make_node('Sub', ['i', 'j'], ['d']),
                    h.make_node('Cast', ['d'], ['y'], to=1)], rows=FULL)
graph('op_shapes', [h.make_node('Unsqueeze', ['x', 'two'], ['a']), h.make_node('Transpose', ['a'], ['b'], perm=[0, 2, 1]),
                    h.make_node('Concat', ['b', 'b'], ['c'], axis=1), h.make_node('Slice', ['c', 'from', 'to', 'axes', 'step'], ['d']),
                    h.make_node('Flatten', ['d'], ['e'], axis=1), h.make_node('Split', ['e'], ['f', 'g'], axis=1),
                    h.make_node('Gather', ['f', 'pick'], ['i'], axis=1), h.make_node('Concat', ['i', 'g'], ['j'], axis=-1),
                    h.make_node('Shape', ['j'], ['s']), h.make_node('Reshape', ['j', 's'], ['k']), h.make_node('Squeeze', ['b', 'one'], ['m']),
                    h.make_node('Concat', ['k', 'm'], ['y'], axis=1)],
      constants={'two': np.array([2]), 'one': np.array([1]), 'from': np.array([4, 0]), 'to': np.array([-9223372036854775807, 2]), 'axes': np.array([2, 1]),
                 'step': np.array([-2, 1]), 'pick': np.array([2, 0])})
graph('op_split_uneven', [h.make_node('Split', ['x', 'sizes'], ['a', 'b'], axis=1), h.make_node('Mul', ['a', 'two'], ['c']), h.make_node('Concat', ['b', 'c'], ['y'], axis=1)],
      constants={'sizes': np.array([2, 3]), 'two': np.float32(2)})
graph('op_wholes', [h.make_node('Cast', ['x'], ['i'], to=7), h.make_node('Div', ['i', 'c'], ['d']), h.make_node('Mod', ['i', 'c'], ['m']), h.make_node('Add', ['d', 'm'], ['s']),
                    h.make_node('Cast', ['s'], ['y'], to=1)], constants={'c': np.array([3])}, rows=np.round(FULL * 7).astype(np.float32))
graph('op_batch_normalization', [h.make_node('BatchNormalization', ['x', 'a', 'b', 'c', 'd'], ['y'])],
      constants={k: (rng.random(5) + 0.5).astype(np.float32) for k in 'abcd'}, rows=FULL)
graph('op_gemm', [h.make_node('Gemm', ['x', 'w', 'b'], ['y'], transB=1, alpha=0.5, beta=2.0)],
      constants={'w': rng.normal(size=(3, 5)).astype(np.float32), 'b': rng.normal(size=(1, 3)).astype(np.float32)}, rows=FULL)
graph('op_constants', [h.make_node('Constant', [], ['a'], value_float=2.0), h.make_node('Constant', [], ['b'], value=nh.from_array(np.array([1], np.float32))),
                       h.make_node('Add', ['a', 'b'], ['c']), h.make_node('Mul', ['x', 'c'], ['y'])])
for norm in ['MAX', 'L1', 'L2']:
    one(f'normalizer_{norm.lower()}', 'Normalizer', domain='ai.onnx.ml', attributes={'norm': norm}, rows=np.vstack([HALF, np.zeros((1, 5))]).astype(np.float32))
one('scaler_one', 'Scaler', domain='ai.onnx.ml', attributes={'offset': [0.5], 'scale': [2.0]})
one('imputer', 'Imputer', domain='ai.onnx.ml', attributes={'imputed_value_floats': [1.0, 2, 3, 4, 5], 'replaced_value_float': float('nan')})
one('imputer_zero', 'Imputer', domain='ai.onnx.ml', attributes={'imputed_value_floats': [9.0], 'replaced_value_float': 0.0}, rows=HALF)
one('binarizer', 'Binarizer', domain='ai.onnx.ml', attributes={'threshold': 0.25}, rows=FULL)
one('label_encoder_floats', 'LabelEncoder', domain='ai.onnx.ml', ml=2, rows=HALF,
    attributes={'keys_floats': [0.5, 1.0, 0.5], 'values_floats': [7.0, 8.0, 9.0], 'default_float': -3.0})
one('feature_extractor', 'ArrayFeatureExtractor', 'i', domain='ai.onnx.ml', constants={'i': np.array([3, 1])})
WORDS = np.array([['a'], ['b'], ['c'], [''], ['zz']], object)
graph('op_words', [h.make_node('LabelEncoder', ['t'], ['u'], domain='ai.onnx.ml', keys_strings=['a', 'b', 'q'], values_strings=['one', 'two', 'one'], default_string='none'),
                   h.make_node('LabelEncoder', ['u'], ['i'], domain='ai.onnx.ml', keys_strings=['one', 'two'], values_int64s=[10, 20], default_int64=-1),
                   h.make_node('Cast', ['i'], ['f'], to=1), h.make_node('Equal', ['t', 'c'], ['e']), h.make_node('Cast', ['e'], ['g'], to=1),
                   h.make_node('Concat', ['f', 'g'], ['y'], axis=1)],
      inputs=[('t', TensorProto.STRING, [None, 1])], constants={'c': np.array([['c']], object)}, rows=WORDS, opset=19)
graph('op_category_mapper', [h.make_node('CategoryMapper', ['t'], ['i'], domain='ai.onnx.ml', cats_strings=['a', 'b'], cats_int64s=[4, 5], default_int64=-7), h.make_node('Cast', ['i'], ['y'], to=1)],
      inputs=[('t', TensorProto.STRING, [None, 1])], rows=WORDS)
graph('op_linear_one', [h.make_node('LinearClassifier', ['x'], ['label', 'probabilities'], domain='ai.onnx.ml', coefficients=[1.0, -1, 0.5, 0, 2], intercepts=[0.25],
                                    classlabels_ints=[0, 1], post_transform='LOGISTIC')], outputs=[LABEL, PROBABLY], rows=FULL)
graph('op_label_only', [h.make_node('LinearClassifier', ['x'], ['label', 'p'], domain='ai.onnx.ml', coefficients=rng.normal(size=15).tolist(), intercepts=[0.25, 0, 0],
                                    classlabels_strings=['red', 'green', 'blue'], post_transform='SOFTMAX')], outputs=[('label', TensorProto.STRING, [None])], rows=FULL)
graph('op_vector_inputs', [h.make_node('Unsqueeze', ['a', 'one'], ['c']), h.make_node('Cast', ['b'], ['d'], to=1), h.make_node('Concat', ['c', 'd'], ['y'], axis=1)],
      inputs=[('a', TensorProto.FLOAT, [None]), ('b', TensorProto.INT32, [None, 1])], constants={'one': np.array([1])},
      rows=[[0.5, 3], [1.5, -4], [-1, 7], [0, 0]], feed={'a': np.array([0.5, 1.5, -1, 0], np.float32), 'b': np.array([[3], [-4], [7], [0]], np.int32)})

graph('op_single_row', [h.make_node('Reshape', ['x', 's'], ['a']), h.make_node('ReduceMax', ['a'], ['y'], axes=[0, 1, 2], keepdims=1)],
      inputs=[('x', TensorProto.FLOAT, [1, 5])], constants={'s': np.array([1, 5, 1])}, rows=FULL[:1], native=False)


# --- trees of every kind: per tree 0: x0 MODE t ? (x1 MODE t ? w : w) : w
def ensemble_of(name, kind, trees=3, modes=('BRANCH_LEQ',), targets=1, weights=None, missing=None, thresholds=None, rows=None, native=True, ids=None, dtype=np.float32, **attributes):
    fields = {k: [] for k in ['treeids', 'nodeids', 'featureids', 'modes', 'values', 'truenodeids', 'falsenodeids', 'missing_value_tracks_true', 'hitrates']}
    leaf = {k: [] for k in ['treeids', 'nodeids', 'ids', 'weights']}
    for t in range(trees):
        for n in range(5):
            inner = n < 2
            fields['treeids'].append(t)
            fields['nodeids'].append(n)
            fields['featureids'].append((t + n) % 5 if inner else 0)
            fields['modes'].append(modes[(t + n) % len(modes)] if inner else 'LEAF')
            fields['values'].append(float(np.float32((thresholds or [0.25, -0.5, 0.0, 1.0])[(t + n) % 4])) if inner else 0.0)
            fields['truenodeids'].append([1, 3, 0, 0, 0][n])
            fields['falsenodeids'].append([2, 4, 0, 0, 0][n])
            fields['missing_value_tracks_true'].append(int(bool(missing) and inner and (t + n) % 2 == 0))
            fields['hitrates'].append(1.0)
            if not inner:
                for k in ids or range(targets):
                    leaf['treeids'].append(t)
                    leaf['nodeids'].append(n)
                    leaf['ids'].append(k)
                    leaf['weights'].append(float(np.float32(weights[(t + n + k) % len(weights)] if weights else rng.normal())))
    made = {f'nodes_{k}': v for k, v in fields.items()}
    if not missing:
        del made['nodes_missing_value_tracks_true']
    prefix = 'class' if kind == 'Classifier' else 'target'
    made |= {f'{prefix}_{k}': v for k, v in leaf.items()} | attributes
    if dtype is np.float64:
        for k in ['nodes_values', 'nodes_hitrates', f'{prefix}_weights', 'base_values']:
            if k in made:
                made[f'{k}_as_tensor'] = h.make_tensor(k, TensorProto.DOUBLE, [len(made[k])], [v * 1.0000001 for v in made.pop(k)])
    if kind == 'Regressor':
        made['n_targets'] = targets
    node = h.make_node(f'TreeEnsemble{kind}', ['x'], ['label', 'probabilities'] if kind == 'Classifier' else ['y'], domain='ai.onnx.ml', **made)
    x = TEST if rows is None else rows
    graph(f'trees_{name}', [node], outputs=[LABEL, PROBABLY] if kind == 'Classifier' else None, native=native,
          inputs=[('x', TensorProto.DOUBLE if dtype is np.float64 else TensorProto.FLOAT, [None, 5])], rows=x.astype(dtype))


EXACT = np.array([[0.25, -0.5, 0, 1, 0.25], [np.nextafter(np.float32(0.25), np.float32(1)), 1, -0.0, np.inf, -np.inf], [np.nan] * 5, [0.25000003, -0.5, 1, 0, 1]], np.float32)
for mode in ['LEQ', 'LT', 'GTE', 'GT', 'EQ', 'NEQ']:
    for missing in (False, True):
        ensemble_of(f'{mode.lower()}{"_missing" if missing else ""}', 'Regressor', 4, [f'BRANCH_{mode}'], missing=missing, rows=np.vstack([EXACT, TEST]))
ensemble_of('mixed_modes', 'Regressor', 6, ['BRANCH_LEQ', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_LT'], missing=True, rows=np.vstack([EXACT, TEST]))
ensemble_of('infinite_threshold', 'Regressor', 4, ['BRANCH_LEQ', 'BRANCH_GT'], thresholds=[np.inf, 0.5, -np.inf, np.inf], missing=True, rows=np.vstack([EXACT, TEST]))
for aggregate in ['AVERAGE', 'MIN', 'MAX']:
    ensemble_of(aggregate.lower(), 'Regressor', 5, aggregate_function=aggregate, base_values=[1.5])
ensemble_of('targets', 'Regressor', 5, targets=3, base_values=[1.0, 2.0, 3.0])
ensemble_of('targets_average_softmax', 'Regressor', 5, targets=3, aggregate_function='AVERAGE', post_transform='SOFTMAX')
ensemble_of('targets_min', 'Regressor', 5, targets=2, aggregate_function='MIN', native=False)
ensemble_of('probit', 'Regressor', 3, weights=[0.1, 0.2, 0.05, 0.3], post_transform='PROBIT', native=False)
ensemble_of('logistic_one_target', 'Regressor', 3, post_transform='LOGISTIC')
ensemble_of('double', 'Regressor', 4, dtype=np.float64, base_values=[0.1])
ensemble_of('double_classes', 'Classifier', 4, dtype=np.float64, classlabels_int64s=[0, 1], post_transform='LOGISTIC', ids=[1], targets=2)
POSITIVES, MIXED = [0.1, 0.05, 0.2, 0.01], [0.1, -0.3, 0.4, -0.2]
for transform in ['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO']:
    for label, weights in [('positive', POSITIVES), ('mixed', MIXED)]:
        for which, ids in [('first', [0]), ('second', [1]), ('both', [0, 1])]:
            ensemble_of(f'two_{transform.lower()}_{label}_{which}', 'Classifier', 3, weights=weights, ids=ids, targets=2, classlabels_int64s=[0, 1], post_transform=transform)
    ensemble_of(f'three_{transform.lower()}', 'Classifier', 3, weights=MIXED, targets=3, classlabels_int64s=[3, 4, 5], post_transform=transform, base_values=[0.5, 0.0, -0.5])
ensemble_of('two_base', 'Classifier', 3, weights=MIXED, ids=[0], targets=2, classlabels_int64s=[0, 1], post_transform='LOGISTIC', base_values=[0.4])
ensemble_of('two_base_second', 'Classifier', 3, weights=MIXED, ids=[1], targets=2, classlabels_int64s=[0, 1], post_transform='LOGISTIC', base_values=[0.4])


def tensor(values, kind=TensorProto.FLOAT):
    return h.make_tensor('t', kind, [len(values)], values)


def ensemble5(name, *, native=True, kind=TensorProto.FLOAT, **attributes):
    made = dict(n_targets=2, aggregate_function=1, post_transform=0, tree_roots=[0, 2], nodes_featureids=[0, 2, 1, 3], nodes_modes=tensor([0, 6, 2, 1], TensorProto.UINT8),
                nodes_splits=tensor([0.25, 0.0, -0.5, 1.0], kind), nodes_truenodeids=[1, 0, 3, 3], nodes_trueleafs=[0, 1, 0, 1], nodes_falsenodeids=[2, 1, 4, 5],
                nodes_falseleafs=[1, 1, 1, 1], nodes_missing_value_tracks_true=[1, 0, 0, 1], membership_values=tensor([0.0, 2.0, -1.0, float('nan')], kind),
                leaf_targetids=[0, 1, 0, 1, 0, 1], leaf_weights=tensor([1.5, -2.0, 3.25, 0.5, -0.75, 2.0], kind)) | attributes
    graph(f'trees5_{name}', [h.make_node('TreeEnsemble', ['x'], ['y'], domain='ai.onnx.ml', **made)], ml=5, opset=21, native=native, rows=WHOLE2.astype(np.float32 if kind == 1 else float),
          inputs=[('x', kind, [None, 5])], outputs=[('y', kind, None)])


WHOLE2 = np.vstack([EXACT, TEST])
WHOLE2[:, 2] = np.round(WHOLE2[:, 2])  # ONNX Runtime cuts fractions off before it looks into some sets
ensemble5('sum')
ensemble5('average', aggregate_function=0)
ensemble5('softmax', post_transform=2, native=False)
ensemble5('one_target', n_targets=1, leaf_targetids=[0] * 6)
ensemble5('double', kind=TensorProto.DOUBLE)
ensemble5('stump', tree_roots=[0], nodes_featureids=[0], nodes_modes=tensor([0], TensorProto.UINT8), nodes_splits=tensor([0.0]), nodes_truenodeids=[0], nodes_trueleafs=[1], nodes_falsenodeids=[0],
          nodes_falseleafs=[1], nodes_missing_value_tracks_true=[0], membership_values=tensor([float('nan')]), leaf_targetids=[0], leaf_weights=tensor([2.5]), n_targets=1)
versions = {'scikit-learn': sklearn.__version__, 'skl2onnx': skl2onnx.__version__, 'onnxruntime': ort.__version__, 'xgboost': xgb.__version__, 'lightgbm': lgb.__version__, 'catboost': catboost.__version__}
(OUT / 'cases.json').write_text(json.dumps({'versions': versions, 'cases': cases}))
