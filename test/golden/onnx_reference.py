"""Makes test/golden/onnx: small models of scikit-learn, XGBoost and LightGBM as ONNX, and what ONNX Runtime answers.

    pip install skl2onnx onnxmltools onnxruntime scikit-learn xgboost lightgbm
    python test/golden/onnx_reference.py test/golden/onnx

Each case is NAME.onnx and an entry of cases.json: `rows` (as the columns of the model, texts and null included), the answer
wanted (`expected`), and `native`: whether it is computed without ONNX Runtime. Seeded; the answers are those of one thread.
"""
import json
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnxruntime as ort
import pandas as pd
import sklearn
import skl2onnx
import xgboost as xgb
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as OmtFloat
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
        expected = (expected[:, 1:] if expected.shape[1] == 2 and 'two_targets' not in name else expected).tolist()
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
versions = {'scikit-learn': sklearn.__version__, 'skl2onnx': skl2onnx.__version__, 'onnxruntime': ort.__version__, 'xgboost': xgb.__version__, 'lightgbm': lgb.__version__}
(OUT / 'cases.json').write_text(json.dumps({'versions': versions, 'cases': cases}))
