"""Makes lime.json: `pip install lime scikit-learn`, then `python lime_reference.py`."""
import json, numpy as np, sklearn
from sklearn.linear_model import Ridge
r=np.random.default_rng(5)
X=np.round(r.normal(size=(30,4)),3); y=np.round(np.c_[X@[1,-2,0,.5]+r.normal(size=30)*.3, np.exp(X[:,0])],3); w=np.round(r.uniform(size=30),3)
out=[]
for a in [1.0,0.05]:
    f=Ridge(alpha=a).fit(X,y,sample_weight=w)
    out.append(dict(alpha=a,coef=f.coef_.tolist(),intercept=f.intercept_.tolist(),score=[Ridge(alpha=a).fit(X,y[:,k],sample_weight=w).score(X,y[:,k],sample_weight=w) for k in range(2)]))
# lime itself, on a fixed model and background
import lime, lime.lime_tabular
B=np.round(r.normal(size=(200,4))*[1,2,.5,3]+[0,1,-1,2],3)
f=lambda Z: np.tanh(Z[:,0])+0.3*Z[:,1]*Z[:,2]+0.1*Z[:,3]
row=np.array([0.5,2.0,-0.7,1.0])
cs=[];ic=[];sc=[];lp=[]
for seed in range(30):
    e=lime.lime_tabular.LimeTabularExplainer(B,mode='regression',discretize_continuous=False,feature_selection='none',random_state=seed)
    x=e.explain_instance(row,f,num_features=4,num_samples=5000)
    m=dict(x.local_exp[1 if 1 in x.local_exp else 0]); cs.append([m[i] for i in range(4)]); ic.append(x.intercept[1] if 1 in x.intercept else x.intercept[0]); sc.append(x.score); lp.append(float(x.local_pred[0]))
cs=np.array(cs)
import importlib.metadata as im
json.dump(dict(versions={'scikit-learn':sklearn.__version__,'lime':im.version('lime')},ridge=dict(X=X.tolist(),y=y.tolist(),weights=w.tolist(),fits=out),
 lime=dict(function='tanh(x0) + 0.3*x1*x2 + 0.1*x3',background=B.tolist(),row=row.tolist(),runs=30,samples=5000,coefficient_mean=cs.mean(0).tolist(),coefficient_sd=cs.std(0,ddof=1).tolist(),intercept_mean=float(np.mean(ic)),score_mean=float(np.mean(sc)),local_mean=float(np.mean(lp)))),open('lime.json','w'))
print(cs.mean(0),cs.std(0),np.mean(sc),np.mean(lp), np.mean(ic))
