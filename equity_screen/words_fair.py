"""Sentences on chance, redress and what can be told; none of them is a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from equity_screen.recipe import Policy, Siting
from equity_screen.text import number_text, percent_text
from equity_screen.uncertainty import ABOVE, BELOW, BY_BOUNDS, BY_MARGINS, IN_LINE
from equity_screen.words import compared, label_within, listed

Row = Mapping[str, Any]

LEAST_P = 0.001
# Fifths whose means are as close are alike: what digitising leaves along a border is no difference.
ALIKE = 1e-9
UNUSUAL = "unusual for this footprint in this city"
RARE = "rare by itself, but of so many findings asked at once some are as rare by chance alone"
USUAL = "not unusual for this footprint in this city, so it could be chance"
UNTOLD = {
    BY_BOUNDS: "the counts by neighbourhood allow both sides",
    BY_MARGINS: "parity lies within the margin of error (90 %)",
}
SIDES = {ABOVE: "above {}", BELOW: "below {}", IN_LINE: "in line with {}"}


def chance_text(p: float) -> str:
    """Write a probability of chance: three decimals, none of them a false nought.

    Parameters
    ----------
    p : float
        p or q [0–1].

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> chance_text(0.005), chance_text(0.0002), chance_text(float("nan"))
    ('0.005', 'less than 0.001', '–')
    """
    if np.isnan(p):
        return number_text(None)
    return f"{p:.3f}" if p >= LEAST_P else f"less than {LEAST_P}"


def _as_far(p: float, placements: int) -> int:
    """Count the placements behind p = (1 + count) / (1 + placements)."""
    return round(p * (placements + 1)) - 1


def siting_sentence(row: Row, *, unusual: float) -> str:
    """Say how often the same footprint elsewhere would be as far from parity for a group.

    Parameters
    ----------
    row : mapping
        A row of ``by_group`` with p_siting and q_siting, and the number of placements.
    unusual : float
        Share of false ones that is put up with among all that are called unusual [0–1].

    Returns
    -------
    str
        A sentence with p, and q for all that was asked at once; empty where nothing could be asked.

    Examples
    --------
    >>> row = {"ledger": "benefit", "effect": "shade", "label": "People with low incomes", "placements": 199,
    ...        "parity": 1.4, "p_siting": 0.23, "q_siting": 0.61}
    >>> siting_sentence(row, unusual=0.05)
    'Of 199 other places for the footprint of the benefit "shade", 45 (23 %) leave people with low incomes as far \
above or below their share as where it is planned (parity 1.40; p = 0.230, q = 0.610): not unusual for this footprint \
in this city, so it could be chance.'
    """
    p, q, placements = row["p_siting"], row["q_siting"], row["placements"]
    if np.isnan(p) or np.isnan(placements):
        return ""
    count = _as_far(p, int(placements))
    share = f"{number_text(count)} ({percent_text(count / placements, places=0)})" if count else "none"
    meaning = next(words for most, words in ((q, UNUSUAL), (p, RARE), (0.0, USUAL)) if most <= unusual)
    return (
        f'Of {number_text(int(placements))} other places for the footprint of the {row["ledger"]} "{row["effect"]}", '
        f"{share} {'leaves' if count <= 1 else 'leave'} {label_within(row['label'])} as far above or below their share "
        f"as where it is planned (parity {number_text(row['parity'])}; p = {chance_text(p)}, q = {chance_text(q)}): "
        f"{meaning}."
    )


def null_sentence(siting: Siting) -> str:
    """Say what a finding is held against to ask whether it could be chance, and what is not used for it.

    Parameters
    ----------
    siting : Siting
        What was asked.

    Returns
    -------
    str
        Three sentences.

    Examples
    --------
    >>> null_sentence(Siting(placements=199, within="zoning")).split(". ")[0]
    'Each footprint is tried at up to 199 other places of this city where it could lie, of the same zoning'
    """
    within = f", of the same {siting.within}" if siting.within else ""
    return (
        f"Each footprint is tried at up to {number_text(siting.placements)} other places of this city where it could "
        f"lie{within}. p is the share of all places, its own among them, where the group's distance from its share of "
        "the people is as large, above or below; q is p adjusted for having asked of every effect and group. "
        "Effects dealt out to neighbourhoods like cards (free permutation) are not used for it: people who are alike "
        "live side by side, and it calls about half of all sitings at random unusual."
    )


def unusual_sentence(found: pd.DataFrame, siting: Siting) -> str:
    """Say how many findings are unusual among the same footprints elsewhere, and of how many that could be asked.

    Parameters
    ----------
    found : DataFrame
        ``by_group`` with p_siting, q_siting and placements.
    siting : Siting
        What was asked.

    Returns
    -------
    str
        A sentence; where none is unusual, whether more places could tell.

    Examples
    --------
    >>> found = pd.DataFrame({"p_siting": [0.005, 0.4, np.nan], "q_siting": [0.06, 0.4, np.nan], "placements": 199.0})
    >>> unusual_sentence(found, Siting())
    'Of 2 findings (an effect and a group each) that could be asked, none is unusual where 5 % of those called unusual \
may be so by chance; the smallest q is 0.060. 1 is farther from parity than at each of the other places: p cannot be \
less than 0.005 with 199 of them, and more places could tell.'
    """
    asked = found[found["p_siting"].notna()]
    if asked.empty:
        return "Of no finding could it be asked."
    few = int((asked["q_siting"] <= siting.false_discoveries).sum())
    limit = percent_text(siting.false_discoveries, places=0)
    start = f"Of {number_text(len(asked))} findings (an effect and a group each) that could be asked, "
    start += f"{number_text(few) if few else 'none'} {'are' if few > 1 else 'is'} unusual where {limit} of those "
    start += "called unusual may be so by chance"
    if few:
        return f"{start}."
    start += f"; the smallest q is {chance_text(float(asked['q_siting'].min()))}."
    least = 1.0 / (1.0 + asked["placements"])
    farthest = int((asked["p_siting"] <= least * (1 + ALIKE)).sum())
    if not farthest:
        return start
    most = int(asked["placements"].max())
    return (
        f"{start} {number_text(farthest)} {'are' if farthest > 1 else 'is'} farther from parity than at each of the "
        f"other places: p cannot be less than {chance_text(1 / (1 + most))} with {number_text(most)} of them, and more "
        "places could tell."
    )


def told_sentence(told: Sequence[str] | pd.Series) -> str:
    """Say of how many findings it can be told on which side of parity they are, and why not of the others.

    Parameters
    ----------
    told : sequence of str
        Column parity_told of ``by_group``.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> told_sentence(["above", "above", "below", BY_BOUNDS, ""])
    'Of 5 findings (an effect and a group each) 2 lie above parity and 1 below it; of 1 it cannot be told, since the \
counts by neighbourhood allow both sides; 1 is not defined.'
    """
    counts = pd.Series(list(told), dtype="object").value_counts()
    found = [(int(counts[key]), words) for key, words in SIDES.items() if key in counts.index]
    sides = [f"{number_text(count)} {words.format('it')}" for count, words in found]
    if found:
        count, words = found[0]
        sides[0] = f"{number_text(count)} {'lies' if count == 1 else 'lie'} {words.format('parity')}"
    parts = [listed(sides)] if sides else []
    untold = [
        f"of {number_text(int(counts[key]))} it cannot be told, since {words}"
        for key, words in UNTOLD.items()
        if key in counts.index
    ]
    blank = int(counts.get("", 0))
    parts += untold + ([f"{number_text(blank)} {'is' if blank == 1 else 'are'} not defined"] if blank else [])
    return f"Of {number_text(int(counts.sum()))} findings (an effect and a group each) {'; '.join(parts)}."


def redress_sentence(row: Row) -> str:
    """Say whether an effect goes where the burden is, and what the most and least burdened fifths of the people have.

    Parameters
    ----------
    row : mapping
        A row of ``redress`` with its ledger, effect and unit.

    Returns
    -------
    str
        A sentence with the concentration index; its reason where nothing can be told.

    Examples
    --------
    >>> row = {"ledger": "benefit", "effect": "shade", "unit": "°C", "ci_burden": -0.06, "mean_most": 0.0,
    ...        "mean_least": 2.0, "words": "goes more to neighbourhoods with more burden: the benefit follows the \
burden", "undefined": ""}
    >>> redress_sentence(row)
    'The benefit "shade" goes more to neighbourhoods with more burden: the benefit follows the burden (concentration \
over the burden index −0.0600). Yet the most burdened fifth of the people has 0 °C on average, and the least burdened \
fifth 2.00 °C.'
    """
    start = f'The {row["ledger"]} "{row["effect"]}"'
    index, most, least = row["ci_burden"], row["mean_most"], row["mean_least"]
    if np.isnan(index):
        why = row["undefined"] or "undefined"
        return f"{start}: whether it goes where the burden is cannot be told ({why})."
    gap = most - least
    # The index speaks of all, the fifths of the ends: where they differ both must be heard.
    turned = abs(gap) > ALIKE * max(abs(most), abs(least)) and gap * index > 0
    means = [f"{number_text(mean)} {row['unit']}" for mean in (most, least)]
    fifths = (
        f"{'Yet the' if turned else 'The'} most burdened fifth of the people has {means[0]} on average, and the "
        f"least burdened fifth {means[1]}."
    )
    words = row["words"] if row["words"].split()[0] in ("goes", "falls") else f"has {row['words']}"
    return f"{start} {words} (concentration over the burden index {number_text(index)}). {fifths}"


def priority_words(row: Row) -> str:
    """Compare a share to priority places or people with their share of the people, and with the policy's, in short.

    Parameters
    ----------
    row : mapping
        A row of ``policy``.

    Returns
    -------
    str
        Words; where the bounds, which stand beside them, allow both sides, that it cannot be told.

    Examples
    --------
    >>> row = {"share": 0.198, "share_low": 0.152, "share_high": 0.274, "population_share": 0.24, "policy_share": 0.4,
    ...        "undefined": ""}
    >>> priority_words(row)
    'less than the 40.0 % asked for; cannot be told against their share of the people'
    """
    if np.isnan(row["share"]):
        return f"undefined: {row['undefined']}"
    beside = {"their share of the people": row["population_share"]}
    if not np.isnan(row["policy_share"]):
        beside[f"the {percent_text(row['policy_share'])} asked for"] = row["policy_share"]
    open_ = [name for name, reference in beside.items() if _straddled(row, reference)]
    told = [f"{compared(row['share'], reference)} {name}" for name, reference in beside.items() if name not in open_]
    return "; ".join([*told, f"cannot be told against {' nor against '.join(open_)}"] if open_ else told)


def _straddled(row: Row, reference: float) -> bool:
    """Tell whether the bounds, as they are printed, allow both sides of a reference."""
    low, high = row["share_low"], row["share_high"]
    return bool(low < reference < high) and percent_text(low) != percent_text(high)


def policy_sentence(policy: Policy | None) -> str:
    """Say what a policy asks for: share, of what, source and status.

    Parameters
    ----------
    policy : Policy or None
        Policy of the priority rule.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> policy_sentence(Policy(share=0.3, source="Charter, page 2", status="own target"))
    'Charter, page 2 (own target) asks for 30.0 % of benefits.'
    >>> policy_sentence(None)
    'No policy share is named, so that shares stand beside those of the people alone.'
    """
    if policy is None:
        return "No policy share is named, so that shares stand beside those of the people alone."
    basis = "spending" if policy.basis == "spending" else "benefits"
    return f"{policy.source} ({policy.status}) asks for {percent_text(policy.share)} of {basis}."


def reliability_sentence(rows: Sequence[Row], *, label: str) -> str:
    """Say by what areas the counts of a group are reliable enough to be printed.

    Parameters
    ----------
    rows : sequence of mapping
        Its rows of ``reliability``, from fine to coarse.
    label : str
        Its label.

    Returns
    -------
    str
        A sentence with the median coefficient of variation of the finest level that is fine enough.

    Examples
    --------
    >>> fine = {"level": "neighbourhood", "median_cv": 0.65, "areas": 9, "enough": False}
    >>> reliability_sentence([fine, {"level": "ward", "median_cv": 0.15, "areas": 3, "enough": True}], label="Renters")
    'Renters: reliable enough by ward (median coefficient of variation 15 %), not by neighbourhood (65 %).'
    """
    known = [row for row in rows if row["areas"] > 0 and not np.isnan(row["median_cv"])]
    if not known:
        return f"{label}: no margin of error is known, so that nothing is said of reliability."
    said = {row["level"]: percent_text(row["median_cv"], places=0) for row in known}
    first = next((row for row in known if row["enough"]), None)
    if first is None:
        last = known[-1]["level"]
        return f"{label}: not reliable enough at any level (median coefficient of variation by {last} {said[last]})."
    finer = [f"by {row['level']} ({said[row['level']]})" for row in known[: known.index(first)]]
    start = f"{label}: reliable enough by {first['level']} (median coefficient of variation {said[first['level']]})"
    return f"{start}{f', not {listed(finer)}' if finer else ''}."


def zoning_sentence(zoning_range: pd.DataFrame, *, zonings: Sequence[str]) -> str:
    """Say for how many findings the side of parity hangs on how the zones are drawn.

    Parameters
    ----------
    zoning_range : DataFrame
        Table of the result.
    zonings : sequence of str
        Names of the zonings.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> found = pd.DataFrame({"zonings": [3, 3, 3, 1], "straddles_parity": [True, False, False, False]})
    >>> zoning_sentence(found, zonings=["neighbourhoods", "wards", "square grid"])
    'On 3 zonings of the same people (neighbourhoods, wards and square grid), 1 of 3 findings changes its side of \
parity, and 2 do not; 1 cannot be compared, being known on fewer than two.'
    """
    both = zoning_range["zonings"] > 1
    compared_, changing = int(both.sum()), int(zoning_range["straddles_parity"].sum())
    same, alone = compared_ - changing, len(zoning_range) - compared_
    start = f"On {number_text(len(zonings))} zonings of the same people ({listed(list(zonings))}), "
    change = "changes its" if changing == 1 else "change their"
    start += f"{number_text(changing)} of {number_text(compared_)} findings {change} side of parity, and"
    start += f" {number_text(same)} {'does' if same == 1 else 'do'} not"
    left = f"; {number_text(alone)} cannot be compared, being known on fewer than two" if alone else ""
    return f"{start}{left}."


def probability_sentence(neighbourhoods: pd.DataFrame, *, label: str, sure: float = 0.9) -> str:
    """Say how sure it is, by the margins of error, that the priority neighbourhoods are those.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table of the result, with priority and, where margins are known, priority_probability.
    label : str
        Name of the priority places.
    sure : float
        Probability from which one is called sure [0–1].

    Returns
    -------
    str
        A sentence; empty where no margin is known.

    Examples
    --------
    >>> hoods = pd.DataFrame({"priority": [True, True, False], "priority_probability": [0.95, 0.6, 0.4]})
    >>> probability_sentence(hoods, label="old towns")
    'Of 2 neighbourhoods picked as old towns, 1 has a probability below 90 % of being so by the margins of error; of \
1 that are not picked, 1 has one above 10 %.'
    """
    if "priority_probability" not in neighbourhoods.columns:
        return ""
    table = neighbourhoods[neighbourhoods["priority_probability"].notna()]
    picked = table["priority"].astype(bool)
    doubtful = int((picked & (table["priority_probability"] < sure)).sum())
    near = int((~picked & (table["priority_probability"] > 1 - sure)).sum())
    have = ["has" if count == 1 else "have" for count in (doubtful, near)]
    places = f"{number_text(int(picked.sum()))} neighbourhood{'' if picked.sum() == 1 else 's'}"
    return (
        f"Of {places} picked as {label}, {number_text(doubtful)} {have[0]} a probability below "
        f"{percent_text(sure, places=0)} of being so by the margins of error; of {number_text(int((~picked).sum()))} "
        f"that are not picked, {number_text(near)} {have[1]} one above {percent_text(1 - sure, places=0)}."
    )
