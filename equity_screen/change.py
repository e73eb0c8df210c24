"""Before and after: what actions change of a baseline indicator, for everyone and for each group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.effects import OTHERS
from equity_screen.equity import NO_PLACE, ROUNDING
from equity_screen.errors import UsageError
from equity_screen.overlay import Overlay
from equity_screen.people import EVERYONE, Floats, People, people_of, quotient, reasons, with_everyone
from equity_screen.recipe import Group, Indicator
from equity_screen.text import number_text, percent_text
from equity_screen.uptake import of_group
from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede, kolm_pollak_kappa

ACTIVE = "active actions"
BASELINE, WITH_OPTION, CHANGE = "baseline", "with the option", "change"
PERCENT, WHOLE = "%", 100.0
THOUSAND, LEVEL_DIGITS = 1000, 4
NO_BASELINE = "no people with a baseline"
BEFORE_AFTER = (
    *("action", "indicator", "unit", "group", "label", "epsilon", "kappa", "people", "mean_before", "mean_after"),
    *("change_mean", "mean_rest_before", "mean_rest_after", "gap_before", "gap_after", "gap_change"),
    *("gap_change_share", "gap_words", "ratio_before", "ratio_after", "ratio_change"),
    *("ede_before", "ede_after", "ede_change", "kp_index_before", "kp_index_after"),
    *("people_without_baseline", "note", "undefined"),
)
THREE_QUESTIONS = (
    *("indicator", "unit", "group", "label", "question", "option", "mean", "mean_rest", "difference", "ratio"),
    *("epsilon", "ede", "words", "undefined"),
)


class Own(NamedTuple):
    """What a person of a group that an uptake names has of each action, and what one of all others has."""

    group: csc_array
    rest: csc_array


class Baseline(NamedTuple):
    """An indicator before the actions, and what each action changes of it per person.

    ``own``: changes of the groups that an uptake names, by group. ``unplaced``: which actions have no known place,
    so that what they change is not known; ``left_out``: how many such there are within each column of several.
    """

    name: str
    indicator: Indicator
    before: Floats
    changes: csc_array
    actions: tuple[str, ...]
    own: Mapping[str, Own] = MappingProxyType({})
    unplaced: tuple[bool, ...] = ()
    left_out: tuple[int, ...] = ()


def baselines(
    overlay: Overlay,
    effects: pd.DataFrame,
    *,
    neighbourhoods: pd.DataFrame,
    indicators: Mapping[str, Indicator],
    active: Collection[str] | None = None,
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
        Table with the indicators, and the people that an uptake names.
    indicators : mapping of str to Indicator
        Declarations.
    active : collection of str, optional
        Active actions: where given, one more column, ``active actions``, sums what they change together; who is
        reached by two has both.

    Returns
    -------
    list of Baseline
        In the order of the indicators' names.

    Raises
    ------
    UsageError
        An action bears the name of all active actions together.

    Examples
    --------
    >>> baselines(None, pd.DataFrame({"indicator": [""]}), neighbourhoods=pd.DataFrame(), indicators={})
    []
    """
    found = []
    for name in sorted(set(effects["indicator"]) & set(indicators)):
        mine = np.flatnonzero((effects["indicator"] == name).to_numpy())
        actions, gather = _gathering(effects.iloc[mine], worse=indicators[name].higher_is == "worse", active=active)
        placed = ~overlay.unlocated[mine]
        columns = abs(gather) > 0
        found.append(
            Baseline(
                name,
                indicators[name],
                neighbourhoods[name].to_numpy(dtype=np.float64),
                (overlay.per_person.matrix[:, mine] @ gather).tocsc(),
                actions,
                _own_changes(overlay, mine, gather=gather, neighbourhoods=neighbourhoods),
                tuple((columns.T @ placed.astype(np.intp) == 0).tolist()),
                tuple((columns.T @ (~placed).astype(np.intp)).tolist()),
            )
        )
    return found


def _gathering(
    effects: pd.DataFrame, *, worse: bool, active: Collection[str] | None
) -> tuple[tuple[str, ...], csc_array]:
    """Actions by name, the active ones together last, and the signs that add up the effects of each."""
    sign = np.where((effects["ledger"] == "benefit").to_numpy() == worse, -1.0, 1.0)
    names = effects["action"].to_numpy(dtype=object).astype(str)
    actions, column = np.unique(names, return_inverse=True)
    row = np.arange(len(effects))
    together = np.flatnonzero(np.isin(names, sorted(active or ())))
    if len(together):
        if ACTIVE in actions:
            msg = f"an action is called {ACTIVE!r}, as all of them together are: give it another id"
            raise UsageError(msg)
        row, column = np.append(row, together), np.append(column, np.full(len(together), len(actions)))
        actions = np.append(actions, ACTIVE)
    gather = csc_array((sign[row], (row, column)), shape=(len(effects), len(actions)))
    return tuple(str(action) for action in actions), gather


def _own_changes(
    overlay: Overlay, mine: NDArray[np.intp], *, gather: csc_array, neighbourhoods: pd.DataFrame
) -> dict[str, Own]:
    """Give the changes of the groups that an uptake names, and of all others around them."""
    if overlay.rates is None:
        return {}
    named = overlay.rates.iloc[mine].drop(columns=OTHERS).dropna(axis=1, how="all").columns.tolist()
    people, rates = people_of(neighbourhoods, named), overlay.rates_of(named)[mine]
    mean, doses = overlay.per_person.matrix[:, mine], overlay.landed_doses[:, mine]
    found = {}
    for g, name in enumerate(named):
        theirs = of_group(mean, doses, rate=rates[:, g])
        all_people, group = people.population[theirs.indices], people.groups[theirs.indices, g]
        others = all_people - group
        around = mean.data * all_people - theirs.data * group
        # What is left of a difference that cancels is rounding: nobody else takes it up.
        around = np.where(np.abs(around) <= ROUNDING * np.abs(mean.data * all_people), 0.0, around)
        each = np.divide(around, others, out=np.zeros(len(around)), where=others > 0)
        rest = csc_array((each, theirs.indices, theirs.indptr), shape=theirs.shape)
        found[name] = Own((theirs @ gather).tocsc(), (rest @ gather).tocsc())
    return found


def before_after(
    baseline: Baseline, people: People, *, groups: Mapping[str, Group], epsilons: Sequence[float]
) -> pd.DataFrame:
    r"""Level of an indicator before and after each action, by group, and the gap to the rest of its universe.

    With b the baseline, x the change per person, g a group and r the rest of its universe:

    .. math:: \Delta = m_g(b) - m_r(b), \quad \Delta' = \Delta + m_g(x) - m_r(x), \quad
              \frac{|\Delta'| - |\Delta|}{|\Delta|}

    The last, gap_change_share, is below 0 where the gap narrows. Only people with a baseline count. Groups that an
    uptake names have their own changes, others those of their neighbourhood.

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
        One row for each action, group (everyone first) and epsilon: people with a baseline and without [people];
        levels, gaps, Kolm–Pollak EDE and index (distance of EDE and mean) in the indicator's unit; ratios to the
        rest, where no level is below 0 and all changes have one sign; gap_words; note (where a change is larger
        than what it changes) and undefined (reasons).

    Examples
    --------
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> baseline = Baseline("heat", heat, np.array([1.0, 3.0]), csc_array([[0.0], [-1.0]]), ("A",))
    >>> people = People(np.array([1.0, 1.0]), np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]]), ("tenants",))
    >>> table = before_after(baseline, people, groups={}, epsilons=[0.5])
    >>> table[["mean_before", "mean_after"]].to_numpy().tolist()
    [[2.0, 1.5], [3.0, 2.0]]
    >>> table["gap_words"].tolist()
    ['', 'narrows the gap by 50.0 % of it']
    """
    whole, known = with_everyone(people), ~np.isnan(baseline.before)
    level = np.where(known, baseline.before, 0.0)
    weights, rest = (np.where(known[:, None], w, 0.0) for w in (whole.groups, whole.universes - whole.groups))
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)]
    frame = pd.DataFrame({"group": list(whole.names), "label": labels, "people": weights.sum(axis=0)})
    frame["people_without_baseline"] = whole.groups.sum(axis=0) - frame["people"]
    repeated = pd.concat([frame.iloc[:0], *[frame] * len(baseline.actions)], ignore_index=True)
    own = {whole.names.index(name): mine for name, mine in baseline.own.items() if name in whole.names}
    columns = _levels(baseline, level, peopled=known & (people.population > 0), weights=(weights, rest), own=own)
    means = (columns["mean_before"], columns["mean_after"])
    repeated = repeated.assign(
        action=np.repeat(np.asarray(baseline.actions, dtype=object), len(frame)),
        indicator=baseline.name,
        unit=baseline.indicator.unit,
        **{name: values.ravel() for name, values in columns.items()},
    )
    parts = [
        repeated.assign(**_at_epsilon(baseline, level, weights, epsilon=epsilon, means=means, own=own))
        for epsilon in epsilons
    ]
    table = pd.concat(parts, ignore_index=True).sort_values(
        ["action", "group", "epsilon"], kind="stable", key=_in_order, ignore_index=True
    )
    unplaced = pd.Series(_unplaced(baseline), index=baseline.actions, dtype=bool)
    undefined = _reasons(table, unplaced.reindex(table["action"]).to_numpy(dtype=bool))
    return table.assign(undefined=undefined)[list(BEFORE_AFTER)]


def _in_order(column: pd.Series) -> pd.Series:
    """Everyone before the groups, all active actions after each of them."""
    if column.name == "group":
        return column.where(column != EVERYONE, "")
    return column.where(column != ACTIVE, "\U0010ffff") if column.name == "action" else column


def _unplaced(baseline: Baseline) -> NDArray[np.bool_]:
    return np.asarray(baseline.unplaced or [False] * len(baseline.actions), dtype=bool)


def _reasons(table: pd.DataFrame, unplaced: NDArray[np.bool_]) -> NDArray[np.object_]:
    before, after, rest = (~table[f"mean_{c}"].isna().to_numpy() for c in ("before", "after", "rest_before"))
    compared = (table["group"] != EVERYONE).to_numpy() & after
    no_ratio, no_ratio_change = (table[c].isna().to_numpy() for c in ("ratio_after", "ratio_change"))
    return reasons(
        [
            (~before, NO_BASELINE),
            (before & unplaced, NO_PLACE),
            (before & ~after & ~unplaced, "the amount is missing"),
            (before & table["kappa"].isna().to_numpy(), "EDE: κ needs a baseline whose mean is above 0"),
            (compared & ~rest, "gap: nobody else has a baseline"),
            (compared & rest & no_ratio, "ratio: a level is below 0, or everyone else has a mean of 0"),
            (compared & rest & no_ratio_change, "ratio of changes: of both signs, or everyone else has none"),
        ]
    )


def _levels(
    baseline: Baseline,
    level: Floats,
    *,
    peopled: NDArray[np.bool_],
    weights: tuple[Floats, Floats],
    own: Mapping[int, Own],
) -> dict[str, NDArray[Any]]:
    """Give what does not hang on ε: means, gaps and ratios, of shape (actions, groups)."""
    mean, rest = (quotient((w * level[:, None]).sum(axis=0), w.sum(axis=0)) for w in weights)
    change, rest_change = _mean_changes(baseline, weights, own)
    mean, rest = np.broadcast_to(mean, change.shape), np.broadcast_to(rest, change.shape)
    gap, gap_change = _apart(mean, rest), _apart(change, rest_change)
    # A gap that closes leaves rounding.
    gap_after = np.where(np.abs(gap + gap_change) <= ROUNDING * (np.abs(mean) + np.abs(rest)), 0.0, gap + gap_change)
    after, rest_after = _apart(mean, -change), _apart(rest, -rest_change)
    signs, legal = _signs(baseline, level, peopled), bool((level[peopled] >= 0).all())
    return {
        "mean_before": mean,
        "mean_after": after,
        "change_mean": change,
        "mean_rest_before": rest,
        "mean_rest_after": rest_after,
        "gap_before": gap,
        "gap_after": gap_after,
        "gap_change": gap_change,
        "gap_change_share": quotient(np.abs(gap_after) - np.abs(gap), np.abs(gap)),
        "note": np.broadcast_to(_notes(baseline, signs, legal=legal)[:, None], change.shape),
        "gap_words": _gap_words(gap, gap_after, changed=gap_change != 0),
        "ratio_before": np.where(legal, quotient(mean, rest), np.nan),
        "ratio_after": np.where(legal & (signs.below == 0)[:, None], quotient(after, rest_after), np.nan),
        "ratio_change": np.where(signs.one[:, None], quotient(change, rest_change), np.nan),
    }


def _apart(one: Floats, other: Floats) -> Floats:
    """Difference; what rounding leaves of none is none."""
    gap = one - other
    return np.where(np.abs(gap) <= ROUNDING * (np.abs(one) + np.abs(other)), 0.0, gap)


def _mean_changes(baseline: Baseline, weights: tuple[Floats, Floats], own: Mapping[int, Own]) -> tuple[Floats, Floats]:
    """Mean change of each group and of the rest of its universe; unknown of what has no place."""
    found = []
    for side, people in enumerate(weights):
        total = np.asarray(baseline.changes.T @ people)
        for g, mine in own.items():
            total[:, g] = mine[side].T @ people[:, g]
        total[_unplaced(baseline)] = np.nan
        found.append(quotient(total, people.sum(axis=0)))
    return found[0], found[1]


class _Signs(NamedTuple):
    """By action: neighbourhoods whose level falls below 0, or above 100 %, and whether all changes have one sign."""

    below: NDArray[np.intp]
    above: NDArray[np.intp]
    one: NDArray[np.bool_]


def _signs(baseline: Baseline, level: Floats, peopled: NDArray[np.bool_]) -> _Signs:
    """Count over the stored pairs where people live who have a baseline."""
    changes, percent = baseline.changes, baseline.indicator.unit.strip() == PERCENT
    mine = peopled[changes.indices]
    column = np.repeat(np.arange(changes.shape[1]), np.diff(changes.indptr))[mine]
    before, change = level[changes.indices[mine]], changes.data[mine]
    below, above = before + change < -ROUNDING * before, before + change > WHOLE * (1 + ROUNDING)
    above &= percent and bool((level[peopled] <= WHOLE).all())
    counts = [np.bincount(column[m], minlength=changes.shape[1]) for m in (below, above, change > 0, change < 0)]
    return _Signs(counts[0], counts[1], (counts[2] == 0) | (counts[3] == 0))


def _notes(baseline: Baseline, signs: _Signs, *, legal: bool) -> NDArray[np.object_]:
    """Say where a change is larger than what there is to change, and what of several actions is left out."""
    left_out = np.where(_unplaced(baseline), 0, baseline.left_out or [0] * len(baseline.actions))
    cases = [
        (signs.below * legal, "the change is larger than the level in {}", "neighbourhood"),
        (signs.above, "the level rises above 100 % in {}", "neighbourhood"),
        (left_out, "without {} whose place is not known", "effect"),
    ]
    said = [
        (count == number, text.format(f"{number:,} {thing}{'' if number == 1 else 's'}"))
        for count, text, thing in cases
        for number in np.unique(count[count > 0]).tolist()
    ]
    return reasons([(left_out < 0, ""), *said])


def _gap_words(before: Floats, after: Floats, *, changed: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Say what becomes of a gap: narrower or wider by a share of it, closed, opened or turned round."""
    size = quotient(np.abs(after), np.abs(before))
    none = before == 0
    cases = {
        "": np.isnan(before) | np.isnan(after),
        "no gap before": none & (after == 0),
        "no gap before; opens one": none,
        "leaves the gap as it is": ~changed,
        "closes the gap": after == 0,
    }
    words = np.select(list(cases.values()), [np.asarray(text, dtype=object) for text in cases], default=np.asarray("…"))
    open_ = ~np.logical_or.reduce(list(cases.values()))
    turned = open_ & (np.sign(before) != np.sign(after))
    words[turned] = "turns the gap round, to " + _percents(size[turned]) + " of its size"
    for verb, mine in (("narrows", open_ & ~turned & (size < 1)), ("widens", open_ & ~turned & (size >= 1))):
        words[mine] = f"{verb} the gap by " + _percents(np.abs(size[mine] - 1.0)) + " of it"
    return np.asarray(words, dtype=object)


def _percents(shares: Floats) -> NDArray[np.object_]:
    """Write shares as percentages; those alike are written once."""
    tenths, number = np.unique(np.round(THOUSAND * shares), return_inverse=True)
    said = [percent_text(share / THOUSAND) if share else "less than 0.1 %" for share in tenths.tolist()]
    return np.asarray(said, dtype=object)[number]


def _at_epsilon(
    baseline: Baseline,
    level: Floats,
    weights: Floats,
    *,
    epsilon: float,
    means: tuple[Floats, Floats],
    own: Mapping[int, Own],
) -> dict[str, Any]:
    kappa = kolm_pollak_kappa(level, weights[:, 0], epsilon=epsilon, bad=baseline.indicator.higher_is == "worse")
    before = np.asarray([kolm_pollak_ede(level, mine, kappa=kappa) for mine in weights.T])
    after = kolm_pollak_after(level, baseline.changes, weights=weights, kappa=kappa)
    for g, mine in own.items():
        after[:, g] = kolm_pollak_after(level, mine.group, weights=weights[:, [g]], kappa=kappa)[:, 0]
    after = np.where(np.isnan(means[1]), np.nan, after)
    columns = {
        "ede_before": np.broadcast_to(before, after.shape),
        "ede_after": after,
        "ede_change": after - before,
        "kp_index_before": np.abs(means[0] - before),
        "kp_index_after": np.abs(means[1] - after),
    }
    return {"epsilon": epsilon, "kappa": kappa} | {name: values.ravel() for name, values in columns.items()}


def three_questions(table: pd.DataFrame) -> pd.DataFrame:
    """Answer the three questions of regulatory analysis of environmental justice in one long table.

    What is the baseline, what is it under each option, and what changes: for everyone and for each group, beside the
    rest of its universe. The EDE is that of the middle epsilon.

    Parameters
    ----------
    table : DataFrame
        Of :func:`before_after`, of one indicator or several.

    Returns
    -------
    DataFrame
        One row for each indicator, group and question ("baseline", "with the option", "change"), and for the last two
        each option (an action, or ``active actions``): mean, mean of the rest and difference from it, ede [unit],
        ratio, words, undefined (reasons).

    References
    ----------
    U.S. EPA (2016), Technical Guidance for Assessing Environmental Justice in Regulatory Analysis.

    Examples
    --------
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> baseline = Baseline("heat", heat, np.array([1.0, 3.0]), csc_array([[0.0], [-1.0]]), ("A",))
    >>> people = People(np.array([1.0, 1.0]), np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]]), ("tenants",))
    >>> answers = three_questions(before_after(baseline, people, groups={}, epsilons=[0.5]))
    >>> answers.loc[answers["group"] == "tenants", ["question", "option", "mean", "difference"]].to_numpy().tolist()
    [['baseline', '', 3.0, 2.0], ['with the option', 'A', 2.0, 1.0], ['change', 'A', -1.0, -1.0]]
    """
    epsilons = np.unique(table["epsilon"].to_numpy(dtype=np.float64))
    rows = table[table["epsilon"] == epsilons[(len(epsilons) - 1) // 2]] if len(epsilons) else table
    place = rows["indicator"].factorize()[0] * len(rows) + rows["group"].factorize()[0]
    rows = rows.assign(
        place=place,
        mean_change=rows["change_mean"],
        mean_rest_change=rows["mean_rest_after"] - rows["mean_rest_before"],
    )
    first = rows.drop_duplicates("place")
    first = first.assign(action="", note="", undefined=np.where(first["mean_before"].isna(), NO_BASELINE, ""))
    asked = [(first, BASELINE, "before"), (rows, WITH_OPTION, "after"), (rows, CHANGE, "change")]
    found = pd.concat([_answers(table, question, when) for table, question, when in asked])
    return found.sort_values("place", kind="stable", ignore_index=True)[list(THREE_QUESTIONS)]


def _answers(rows: pd.DataFrame, question: str, when: str) -> pd.DataFrame:
    kept = {"mean": "mean", "mean_rest": "mean_rest", "gap": "difference", "ratio": "ratio", "ede": "ede"}
    named = {f"{figure}_{when}": name for figure, name in kept.items()}
    answers = rows.rename(columns=named).assign(question=question, option=rows["action"])
    return answers.assign(words=[_words(row, question) for row in answers.to_dict("records")])


def _words(row: Mapping[Any, Any], question: str) -> str:
    mean, gap, unit = row["mean"], row["difference"], row["unit"]
    if np.isnan(mean):
        return f"undefined: {row['undefined']}"
    if question == CHANGE:
        said = [f"{'+' if mean > 0 else ''}{number_text(mean)} {unit}", row["gap_words"]]
    else:
        apart = f"{number_text(abs(gap))} {unit} {'above' if gap > 0 else 'below'} everyone else"
        than = "" if np.isnan(gap) else "as everyone else" if gap == 0 else apart
        said = [f"{number_text(mean, digits=LEVEL_DIGITS)} {unit}", than]
    return "; ".join(part for part in (*said, row["note"]) if part)
