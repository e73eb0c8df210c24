"""Before and after: what actions change of a baseline indicator, for everyone and for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from equity_screen.overlay import Overlay
from equity_screen.people import EVERYONE, Floats, People, quotient, reasons
from equity_screen.recipe import Group, Indicator
from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede, kolm_pollak_kappa

BEFORE_AFTER = (
    *("action", "indicator", "unit", "group", "label", "epsilon", "kappa", "mean_before", "mean_after"),
    *("ede_before", "ede_after", "ede_change", "people_without_baseline", "undefined"),
)


class Baseline(NamedTuple):
    """An indicator before the actions, and what each action changes of it per person."""

    name: str
    indicator: Indicator
    before: Floats
    changes: csc_array
    actions: tuple[str, ...]


def baselines(
    overlay: Overlay,
    effects: pd.DataFrame,
    *,
    neighbourhoods: pd.DataFrame,
    indicators: Mapping[str, Indicator],
) -> list[Baseline]:
    """Collect, for each indicator that effects change, the net change by action.

    A benefit lowers an indicator where higher is worse and raises one where higher is better; a
    burden does the opposite. The net is used in measures that allow signs only.

    Parameters
    ----------
    overlay : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order, with a column indicator.
    neighbourhoods : DataFrame
        Table with the indicators.
    indicators : mapping of str to Indicator
        Declarations.

    Returns
    -------
    list of Baseline
        In the order of the indicators' names.

    Examples
    --------
    >>> baselines(None, pd.DataFrame({"indicator": [""]}), neighbourhoods=pd.DataFrame(), indicators={})
    []
    """
    found = []
    for name in sorted(set(effects["indicator"]) & set(indicators)):
        mine = np.flatnonzero((effects["indicator"] == name).to_numpy())
        sign = np.where(effects["ledger"].to_numpy()[mine] == "benefit", 1.0, -1.0)
        sign = -sign if indicators[name].higher_is == "worse" else sign
        actions, of_action = np.unique(effects["action"].to_numpy(dtype=object)[mine].astype(str), return_inverse=True)
        gather = csc_array((sign, (np.arange(len(mine)), of_action)), shape=(len(mine), len(actions)))
        changes = (overlay.per_person.matrix[:, mine] @ gather).tocsc()
        found.append(
            Baseline(
                name,
                indicators[name],
                neighbourhoods[name].to_numpy(dtype=np.float64),
                changes,
                tuple(actions),
            )
        )
    return found


def before_after(
    baseline: Baseline, people: People, *, groups: Mapping[str, Group], epsilons: Sequence[float]
) -> pd.DataFrame:
    """Kolm–Pollak EDE and mean of an indicator before and after each action, by group.

    Parameters
    ----------
    baseline : Baseline
        Indicator and changes.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    epsilons : sequence of float
        Inequality aversions; κ is frozen on the baseline of everyone for each.

    Returns
    -------
    DataFrame
        One row for each action, group (everyone first) and epsilon; levels in the indicator's unit,
        people_without_baseline [people], undefined (reasons).

    Examples
    --------
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> baseline = Baseline("heat", heat, np.array([1.0, 3.0]), csc_array([[0.0], [-2.0]]), ("A",))
    >>> people = People(np.array([1.0, 1.0]), np.empty((2, 0)), np.empty((2, 0)), ())
    >>> table = before_after(baseline, people, groups={}, epsilons=[0.5])
    >>> table[["mean_before", "mean_after", "ede_after"]].round(6).to_numpy().tolist()
    [[2.0, 1.0, 1.0]]
    """
    known = ~np.isnan(baseline.before)
    columns = np.column_stack([people.population, people.groups])
    weights = np.where(known[:, None], columns, 0.0)
    level = np.where(known, baseline.before, 0.0)
    count = weights.sum(axis=0)
    mean_before = quotient((weights * level[:, None]).sum(axis=0), count)
    mean_after = mean_before + quotient(baseline.changes.T @ weights, count)
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)]
    frame = pd.DataFrame(
        {
            "group": [EVERYONE, *people.names],
            "label": labels,
            "people_without_baseline": columns.sum(axis=0) - count,
        }
    )
    parts = [
        _at_epsilon(baseline, level, weights, epsilon=epsilon, frame=frame, means=(mean_before, mean_after))
        for epsilon in epsilons
    ]
    table = pd.concat(parts, ignore_index=True).sort_values(
        ["action", "group", "epsilon"], kind="stable", key=_everyone_first
    )
    undefined = reasons(
        [
            (np.isnan(table["mean_before"].to_numpy()), "no people with a baseline"),
            (
                np.isnan(table["mean_after"].to_numpy()) & ~np.isnan(table["mean_before"].to_numpy()),
                "the amount is missing",
            ),
            (
                np.isnan(table["kappa"].to_numpy()) & ~np.isnan(table["mean_before"].to_numpy()),
                "EDE: κ needs a baseline whose mean is above 0",
            ),
        ]
    )
    return table.assign(undefined=undefined).reset_index(drop=True)[list(BEFORE_AFTER)]


def _everyone_first(column: pd.Series) -> pd.Series:
    return column.where(column != EVERYONE, "") if column.name == "group" else column


def _at_epsilon(
    baseline: Baseline,
    level: Floats,
    weights: Floats,
    *,
    epsilon: float,
    frame: pd.DataFrame,
    means: tuple[Floats, Floats],
) -> pd.DataFrame:
    kappa = kolm_pollak_kappa(level, weights[:, 0], epsilon=epsilon, bad=baseline.indicator.higher_is == "worse")
    before = np.asarray([kolm_pollak_ede(level, weights[:, g], kappa=kappa) for g in range(weights.shape[1])])
    after = kolm_pollak_after(level, baseline.changes, weights=weights, kappa=kappa)
    shape = after.shape
    columns = {
        "mean_before": np.broadcast_to(means[0], shape),
        "mean_after": means[1],
        "ede_before": np.broadcast_to(before, shape),
        "ede_after": after,
        "ede_change": after - before,
    }
    repeated = pd.concat([frame] * shape[0], ignore_index=True) if shape[0] else frame.iloc[:0]
    return repeated.assign(
        action=np.repeat(np.asarray(baseline.actions, dtype=object), shape[1]),
        indicator=baseline.name,
        unit=baseline.indicator.unit,
        epsilon=epsilon,
        kappa=kappa,
        **{name: values.ravel() for name, values in columns.items()},
    )
