"""Makes hpo_regret_more.json: `pip install optuna cmaes`, then `python hpo_regret_reference.py`; some minutes."""
import json
import math
from importlib.metadata import version

import numpy as np
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
TRIALS, SEEDS = 100, 20


def ackley(x):
    squares = sum(v * v for v in x) / len(x)
    waves = sum(math.cos(2 * math.pi * v) for v in x) / len(x)
    return -20 * math.exp(-0.2 * math.sqrt(squares)) - math.exp(waves) + 20 + math.e


def rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def rastrigin(x):
    return sum(v * v - 10 * math.cos(2 * math.pi * v) + 10 for v in x)


FUNCTIONS = {
    "ackley5": (5, -32.768, 32.768, ackley),
    "rosenbrock4": (4, -5, 10, rosenbrock),
    "rastrigin3": (3, -5.12, 5.12, rastrigin),
}


def best(dimensions, low, high, function, seed):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    study.optimize(
        lambda trial: function([trial.suggest_float(f"x{i}", low, high) for i in range(dimensions)]),
        n_trials=TRIALS,
    )
    return study.best_value


def zdt1_volume(seed):
    """Hypervolume of ZDT1 in five dimensions up to (1.1, 1.1), of NSGA-II with 250 trials."""
    study = optuna.create_study(
        directions=["minimize", "minimize"], sampler=optuna.samplers.NSGAIISampler(seed=seed)
    )

    def two(trial):
        x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(5)]
        g = 1 + 9 * sum(x[1:]) / 4
        return x[0], g * (1 - math.sqrt(x[0] / g))

    study.optimize(two, n_trials=250)
    front = sorted((t.values for t in study.best_trials), key=lambda v: v[0])
    volume, top = 0.0, 1.1
    for first, second in front:
        if first < 1.1 and second < top:
            volume += (1.1 - first) * (top - second)
            top = second
    return volume


def summary(values):
    quartiles = np.percentile(values, [25, 50, 75])
    return {"best100": values, "median100": quartiles[1], "iqr100": [quartiles[0], quartiles[2]]}


functions = {
    name: {"tpe_multivariate": summary([best(*given, seed) for seed in range(SEEDS)])}
    for name, given in FUNCTIONS.items()
}
volumes = [zdt1_volume(seed) for seed in range(SEEDS)]
quartiles = np.percentile(volumes, [25, 50, 75])
made = {
    "versions": {"optuna": version("optuna")},
    "trials": TRIALS,
    "seeds": SEEDS,
    "functions": functions,
    "zdt1": {"trials": 250, "volume": volumes, "median": quartiles[1], "iqr": [quartiles[0], quartiles[2]]},
}
with open("hpo_regret_more.json", "w") as file:
    json.dump(made, file, indent=1)
    file.write("\n")
