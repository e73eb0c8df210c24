"""What the spread of a result comes from: Sobol shares of its variance, through SALib (an extra)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import UsageError
from equity_screen.people import Floats

Model = Callable[[Floats], Floats]
LEVEL = 0.90
COLUMNS = {"first_order": "S1", "first_order_margin": "S1_conf", "total": "ST", "total_margin": "ST_conf"}


def sobol_shares(
    model: Model, *, bounds: Mapping[str, tuple[float, float]], base: int = 1024, seed: int
) -> pd.DataFrame:
    r"""Share of the variance of a result that each factor brings, alone and with all others.

    .. math:: S_j = \frac{\mathrm{Var}[\mathrm{E}(y \mid x_j)]}{\mathrm{Var}(y)}, \qquad
              T_j = \frac{\mathrm{E}[\mathrm{Var}(y \mid x_{\sim j})]}{\mathrm{Var}(y)}

    Parameters
    ----------
    model : callable
        From factors, shape (runs, factors), to results, shape (runs,). It is called once.
    bounds : mapping of str to (float, float)
        Least and greatest value of each factor, which is uniform between them. For one of several choices give (0, 1)
        and use :func:`chosen`.
    base : int
        Size of the sample, a power of 2; the model is run base × (factors + 2) times.
    seed : int
        Seed of the sample and of the margins, 0 or more.

    Returns
    -------
    DataFrame
        By factor: first_order and total, shares of the variance; first_order_margin and total_margin, their 90 %
        margins of error. All NaN where the result does not vary.

    Raises
    ------
    UsageError
        SALib is not installed; no factor, bounds the wrong way round, a base that is no power of 2, a negative seed,
        results of another number than there are runs, or that are undefined in some.

    References
    ----------
    Saltelli, A. et al. (2010). Variance based sensitivity analysis of model output. Design and estimator for the total
    sensitivity index. Computer Physics Communications 181, 259–270. doi:10.1016/j.cpc.2009.09.018

    Examples
    --------
    Of a sum, a factor that is three times as wide as the other brings nine tenths:
    ``sobol_shares(lambda x: x.sum(axis=1), bounds={"a": (0, 1), "b": (0, 3)}, seed=1)`` gives 0.1 and 0.9.

    >>> sobol_shares(lambda x: x.sum(axis=1), bounds={"a": (0, 1), "b": (0, 3)}, base=1000, seed=1)
    Traceback (most recent call last):
    ...
    equity_screen.errors.UsageError: base 1000 is no power of 2: the sample is only balanced with 64, 128, 256 …
    """
    _require(bounds, base, seed)
    problem = {"num_vars": len(bounds), "names": list(bounds), "bounds": [list(pair) for pair in bounds.values()]}
    sample = _salib("sample").sample(problem, base, calc_second_order=False, seed=seed)
    results = _checked(model(sample), len(sample))
    if np.ptp(results) == 0:
        return pd.DataFrame(np.nan, index=pd.Index(list(bounds), name="factor"), columns=list(COLUMNS))
    # A seed of 0 would be none to SALib, and the margins would not repeat.
    found = _salib("analyze").analyze(
        problem, results, calc_second_order=False, conf_level=LEVEL, seed=seed + 1, print_to_console=False
    )
    shares = {name: np.asarray(found[key], dtype=np.float64) for name, key in COLUMNS.items()}
    return pd.DataFrame(shares, index=pd.Index(list(bounds), name="factor"))


def chosen(numbers: Floats, choices: int) -> NDArray[np.intp]:
    r"""Turn numbers from 0 to 1 into one of several choices, each as wide as the others.

    .. math:: k = \lfloor u \cdot n \rfloor

    Parameters
    ----------
    numbers : ndarray
        Numbers [0–1], such as a column of the factors of :func:`sobol_shares`.
    choices : int
        How many choices there are, 1 or more.

    Returns
    -------
    ndarray of int
        Positions from 0 to choices − 1.

    Raises
    ------
    UsageError
        No choice, or a number outside 0 to 1.

    Examples
    --------
    >>> chosen(np.array([0.0, 0.3, 0.5, 1.0]), 2).tolist()
    [0, 0, 1, 1]
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    if choices < 1 or not ((numbers >= 0) & (numbers <= 1)).all():
        msg = f"one of {choices} choices by numbers from 0 to 1: give 1 choice or more, and the factor bounds of (0, 1)"
        raise UsageError(msg)
    return np.minimum((numbers * choices).astype(np.intp), choices - 1)


def _salib(step: str) -> ModuleType:
    try:
        return importlib.import_module(f"SALib.{step}.sobol")
    except ModuleNotFoundError as absent:
        msg = "shares of variance need SALib, which is not installed: pip install equity-screen[sensitivity]"
        raise UsageError(msg) from absent


def _require(bounds: Mapping[str, tuple[float, float]], base: int, seed: int) -> None:
    wrong = [name for name, (low, high) in bounds.items() if not (np.isfinite([low, high]).all() and low < high)]
    faults = {
        "no factor: give the bounds of one or more": not bounds,
        f"bounds of {', '.join(wrong)}: give the least value and then a greater one": bool(wrong),
        f"base {base} is no power of 2: the sample is only balanced with 64, 128, 256 …": base < 1
        or bool(base & (base - 1)),
        f"seed {seed} is negative: give 0 or more": seed < 0,
    }
    for fault, there in faults.items():
        if there:
            raise UsageError(fault)


def _checked(results: Floats, runs: int) -> Floats:
    results = np.asarray(results, dtype=np.float64)
    if results.shape != (runs,):
        msg = f"the model gave results of shape {results.shape} for {runs} runs: give one number for each run"
        raise UsageError(msg)
    undefined = int((~np.isfinite(results)).sum())
    if undefined:
        msg = f"the result is undefined in {undefined} of {runs} runs: narrow the bounds to where it has a value"
        raise UsageError(msg)
    return results
