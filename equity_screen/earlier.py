"""A table on other zones, such as those of the last census, brought over to the neighbourhoods by a crosswalk."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import EquityScreenError, Finding, InputError, finding
from equity_screen.schema import (
    NAMED_ROWS,
    Origin,
    check_counts,
    clean_ids,
    read_numbers,
    repeat,
    require_columns,
    row_status,
)
from equity_screen.sources import EarlierTable
from equity_screen.text import number_text

# Shares are published with a few decimals; those of one zone add to 1 within this.
TOLERANCE = 1e-6
BALANCE = 1e-9
PERCENT = 100.0
Floats = NDArray[np.float64]


class Earlier(NamedTuple):
    """A table that was brought over.

    ``columns``: one for each count and rate, on the neighbourhoods' ids; ``findings``: what was repaired and
    flagged; ``status``: fates of the table's rows and of the crosswalk's; ``lost``: by count, what came to no
    neighbourhood.
    """

    columns: pd.DataFrame
    findings: list[Finding]
    status: list[pd.DataFrame]
    lost: pd.Series


class _Zones(NamedTuple):
    """The other zones: ids in file order, their numbers by column on the same index, what was found."""

    ids: pd.Series
    numbers: pd.DataFrame
    findings: list[Finding]


class _Pairs(NamedTuple):
    """The crosswalk in file order: columns source, target and share; what was found."""

    table: pd.DataFrame
    findings: list[Finding]

    @property
    def labels(self) -> pd.Series:
        """Text of each pair."""
        return pd.Series(self.table["source"] + " → " + self.table["target"])


class _Parts(NamedTuple):
    """Pairs that carry people: positions of zone and neighbourhood, and the share [0–1], in order of zone id."""

    zone: NDArray[np.intp]
    place: NDArray[np.intp]
    share: Floats
    zones: pd.Index
    places: pd.Index

    def summed(self, values: Floats | NDArray[np.bool_]) -> Floats:
        """Add up values of the pairs for each neighbourhood, in the order of zone ids."""
        return np.bincount(self.place, weights=values, minlength=len(self.places)).astype(np.float64)

    def named(self, pairs: NDArray[np.bool_]) -> dict[int, str]:
        """Name the zones of some pairs, by position of the neighbourhood."""
        zones: dict[int, list[str]] = {}
        for place, zone in zip(self.place[pairs], self.zone[pairs], strict=True):
            zones.setdefault(int(place), []).append(str(self.zones[zone]))
        return {place: _listed(names) for place, names in sorted(zones.items())}


def bring_over(
    table: pd.DataFrame,
    crosswalk: pd.DataFrame,
    *,
    declared: EarlierTable,
    ids: pd.Index,
    origins: tuple[Origin, Origin, Origin],
    digits: int | None = None,
) -> Earlier:
    r"""Bring counts and rates from other zones over to the neighbourhoods.

    .. math:: n_j = \sum_i s_{ij} n_i, \qquad r_j = \sum_i s_{ij} w_i r_i \,/ \sum_i s_{ij} w_i

    where :math:`s_{ij}` is the share of zone i's people in neighbourhood j and :math:`w_i` the count that the
    rate is averaged by. A count is missing where one of its parts is; a rate is averaged over the known.

    Parameters
    ----------
    table : DataFrame
        Counts and rates by zone, as read.
    crosswalk : DataFrame
        Pairs of zone and neighbourhood with shares, as read.
    declared : EarlierTable
        What the columns mean.
    ids : Index of str
        Ids of the neighbourhoods; one that stands twice, or is blank, is a fault of theirs and told there.
    origins : tuple of Origin
        Files of the table, of the crosswalk and of the neighbourhoods.
    digits : int, optional
        Length of neighbourhood ids that are numbers; leading zeros that were lost are put back.

    Returns
    -------
    Earlier
        Columns on ``ids``, findings, fates and losses.

    Raises
    ------
    InputError
        All refused places of both files at once; a crosswalk that is wrong in one place is not used.
    EquityScreenError
        Where what was brought and what was lost do not add up to the table.

    Examples
    --------
    >>> table = pd.DataFrame({"old": ["S1", "S2"], "people": ["100", "60"], "rate": ["1", "5"]})
    >>> crosswalk = pd.DataFrame({"old": ["S1", "S2", "S2"], "new": ["A", "A", "B"], "share": ["1", "0.5", "0.5"]})
    >>> declared = EarlierTable(file="t.csv", id="old", crosswalk="c.csv", source_id="old", target_id="new",
    ...                         share="share", counts=("people",), rates={"rate": "people"})
    >>> origins = Origin("t.csv", "row"), Origin("c.csv", "row"), Origin("zones.gpkg")
    >>> found = bring_over(table, crosswalk, declared=declared, ids=pd.Index(["A", "B"]), origins=origins)
    >>> found.columns["people"].tolist(), found.columns["rate"].round(4).tolist()
    ([130.0, 30.0], [1.9231, 5.0])
    """
    _require_columns(table, crosswalk, declared, origins)
    zones = _zones(table, declared, origins[0])
    pairs = _pairs(crosswalk, declared, origins[1], digits=digits)
    unmatched = _unmatched(zones, pairs, ids, declared=declared, origins=origins)
    faults = [f for f in [*zones.findings, *pairs.findings, *unmatched] if f.status == "refused"]
    if faults:
        raise InputError(faults)
    parts = _parts(zones, pairs, ids[ids != ""].unique())
    numbers = zones.numbers.set_axis(zones.ids).loc[parts.zones]
    columns, about = _brought(numbers, parts, declared, (origins[0].file, origins[2].file))
    sums = np.bincount(parts.zone, weights=parts.share, minlength=len(parts.zones))
    missed = pd.Series(1.0 - sums, index=parts.zones)
    lost = _balanced(numbers[list(declared.counts)], parts, missed)
    leaving = _leaving(zones, missed, declared, origins[0])
    empty = _without_parts(parts, origins)
    of_zones = [*zones.findings, *leaving]
    status = [
        row_status(origins[0], zones.ids, findings=of_zones),
        row_status(origins[1], pairs.labels, findings=pairs.findings),
    ]
    return Earlier(columns.reindex(ids), [*of_zones, *pairs.findings, *empty, *about], status, lost)


def _require_columns(
    table: pd.DataFrame, crosswalk: pd.DataFrame, declared: EarlierTable, origins: tuple[Origin, Origin, Origin]
) -> None:
    """Refuse missing columns of both files at once."""
    asked = (
        (table, [declared.id, *declared.counts, *declared.rates, *declared.rates.values()]),
        (crosswalk, [declared.source_id, declared.target_id, declared.share]),
    )
    faults: list[Finding] = []
    for (frame, columns), origin in zip(asked, origins[:2], strict=True):
        try:
            require_columns(frame, columns, origin=origin)
        except InputError as error:
            faults += error.findings
    if faults:
        raise InputError(faults)


def _zones(table: pd.DataFrame, declared: EarlierTable, origin: Origin) -> _Zones:
    ids, findings = clean_ids(table[declared.id], origin)
    numbers: dict[str, pd.Series] = {}
    counted = {*declared.counts, *declared.rates.values()}
    for column in dict.fromkeys((*declared.counts, *declared.rates, *declared.rates.values())):
        numbers[column], more = read_numbers(table[column], origin, ids=ids, missing=declared.missing)
        findings += more + (check_counts(numbers[column], origin, ids=ids) if column in counted else [])
    return _Zones(ids, pd.DataFrame(numbers, index=table.index), findings)


def _pairs(crosswalk: pd.DataFrame, declared: EarlierTable, origin: Origin, *, digits: int | None) -> _Pairs:
    # Either id stands in many pairs; only a pair stands once.
    source, findings = repeated_ids(crosswalk[declared.source_id], origin)
    target, second = repeated_ids(crosswalk[declared.target_id], origin, digits=digits)
    findings += second
    share, more = read_numbers(crosswalk[declared.share], origin, ids=source)
    told = {f.row for f in more if f.status == "refused"}
    blank = share.isna() & np.array([origin.row(i) not in told for i in range(len(share))], dtype=bool)
    off = blank | (share < 0) | (share > 1 + TOLERANCE)
    wrong = finding("ES-CROSSWALK-SHARE", column=declared.share)
    findings += [*more, *repeat(wrong, off, origin=origin, ids=source, values=crosswalk[declared.share])]
    pairs = pd.DataFrame({"source": source, "target": target, "share": share.mask(off)})
    return _Pairs(pairs, [*findings, *_doubles(pairs, origin), *_over(pairs, declared, origin)])


def repeated_ids(raw: pd.Series, origin: Origin, *, digits: int | None = None) -> tuple[pd.Series, list[Finding]]:
    """Read ids that may stand in many rows, each of them cleaned once.

    Parameters
    ----------
    raw : Series
        Ids as read, on positions 0 … n−1.
    origin : Origin
        File of the table.
    digits : int, optional
        Length of ids that are numbers; leading zeros that were lost are put back.

    Returns
    -------
    ids : Series of str
        Ids on the same index; ``""`` where missing.
    findings : list of Finding
        As of :func:`equity_screen.schema.clean_ids`, but for ids that stand twice.

    Examples
    --------
    >>> ids, findings = repeated_ids(pd.Series(["A ", "A", "A "], name="id"), Origin("t.csv", "row"))
    >>> list(ids), [(f.status, f.row) for f in findings]
    (['A', 'A', 'A'], [('repaired', 'row 2'), ('repaired', 'row 4')])
    """
    code, unique = pd.factorize(raw, use_na_sentinel=False)
    clean, told = clean_ids(pd.Series(unique, name=raw.name), origin, digits=digits)
    ids = pd.Series(clean.to_numpy()[code], index=raw.index, name=raw.name)
    place = {origin.row(i): i for i in range(len(unique))}
    by_code: dict[str, dict[int, Finding]] = {}
    for one in told:
        by_code.setdefault(one.code, {})[place[one.row]] = one
    by_code.pop("ES-ID-DUPLICATE", None)
    findings: list[Finding] = []
    for of in by_code.values():
        values = pd.Series(code, index=raw.index).map({i: one.value for i, one in of.items()})
        findings += repeat(next(iter(of.values())), values.notna(), origin=origin, ids=ids, values=values)
    return ids, findings


def _doubles(pairs: pd.DataFrame, origin: Origin) -> list[Finding]:
    double = pairs.duplicated(["source", "target"], keep=False) & (pairs["source"] != "") & (pairs["target"] != "")
    positions = pd.Series(np.arange(len(pairs)), index=pairs.index)[double]
    return [
        finding(
            "ES-CROSSWALK-PAIR",
            origin.file,
            row=origin.row(int(row)),
            id=str(source),
            value=f"{source} → {target}",
            count=len(rows),
            rows=_listed([origin.row(int(r)) for r in rows]),
        )
        for (source, target), rows in positions.groupby([pairs["source"][double], pairs["target"][double]])
        for row in rows
    ]


def _over(pairs: pd.DataFrame, declared: EarlierTable, origin: Origin) -> list[Finding]:
    """Refuse zones whose people would be counted more than once; those with another fault are told of that."""
    faulty = pairs.loc[pairs["share"].isna() | (pairs["source"] == ""), "source"]
    once = pairs.assign(row=np.arange(len(pairs))).drop_duplicates(["source", "target"])
    sums = once[~once["source"].isin(faulty)].groupby("source")["share"].sum()
    rows = once[once["source"].isin(sums.index[sums > 1 + TOLERANCE])].groupby("source")["row"].agg(list)
    return [
        finding(
            "ES-CROSSWALK-OVER",
            origin.file,
            row=origin.row(rows[zone][0]),
            id=str(zone),
            column=declared.share,
            sum=f"{total:.9g}",
            rows=_listed([origin.row(row) for row in rows[zone]]),
        )
        for zone, total in sums[sums > 1 + TOLERANCE].items()
    ]


def _unmatched(
    zones: _Zones, pairs: _Pairs, ids: pd.Index, *, declared: EarlierTable, origins: tuple[Origin, Origin, Origin]
) -> list[Finding]:
    """Refuse ids that stand in one file only, each in the file that has it."""
    table, crosswalk, place = origins
    source, target = pairs.table["source"].rename(declared.source_id), pairs.table["target"].rename(declared.target_id)
    checks = (
        ("ES-CROSSWALK-NO-PAIR", zones.ids, pd.Index(source), table, crosswalk.file),
        ("ES-CROSSWALK-SOURCE", source, pd.Index(zones.ids), crosswalk, table.file),
        ("ES-CROSSWALK-TARGET", target, ids, crosswalk, place.file),
    )
    return [
        found
        for code, mine, known, origin, other in checks
        for found in _lone(code, mine, ~mine.isin(known) & (mine != ""), origin=origin, other=other)
    ]


def _lone(code: str, ids: pd.Series, lone: pd.Series, *, origin: Origin, other: str) -> list[Finding]:
    template = finding(code, column=str(ids.name), other=other, lone=ids[lone].nunique(), all=ids[ids != ""].nunique())
    return repeat(template, lone, origin=origin, ids=ids, values=ids)


def _parts(zones: _Zones, pairs: _Pairs, ids: pd.Index) -> _Parts:
    carrying = pairs.table[pairs.table["share"] > 0].sort_values(["source", "target"])
    known = pd.Index(zones.ids).sort_values()
    return _Parts(
        known.get_indexer(carrying["source"]),
        ids.get_indexer(carrying["target"]),
        carrying["share"].to_numpy(dtype=np.float64),
        known,
        ids,
    )


def _brought(
    numbers: pd.DataFrame, parts: _Parts, declared: EarlierTable, files: tuple[str, str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Columns on the neighbourhoods, and what is missing in them; files of the table and of the neighbourhoods."""
    columns: dict[str, Floats] = {}
    findings: list[Finding] = []
    for column in declared.counts:
        columns[column], gaps = _count(parts, numbers[column].to_numpy()[parts.zone])
        findings += _told("ES-CROSSWALK-COUNT", gaps, parts, column=column, files=files)
    for column, weight in declared.rates.items():
        values = numbers[column].to_numpy()[parts.zone], numbers[weight].to_numpy()[parts.zone]
        columns[column], gaps, nobody = _rate(parts, *values)
        findings += _told("ES-CROSSWALK-RATE", gaps, parts, column=column, files=files, weight=weight)
        findings += _told("ES-CROSSWALK-WEIGHT", nobody, parts, column=column, files=files, weight=weight)
    return pd.DataFrame(columns, index=parts.places), findings


def _count(parts: _Parts, count: Floats) -> tuple[Floats, dict[int, str]]:
    """Count the people of each neighbourhood, and name the zones without a count; a part of a sum is no sum."""
    gap = np.isnan(count)
    bad = (parts.summed(np.ones(len(gap))) == 0) | (parts.summed(gap) > 0)
    return np.where(bad, np.nan, parts.summed(parts.share * np.nan_to_num(count))), parts.named(gap)


def _rate(parts: _Parts, rate: Floats, weight: Floats) -> tuple[Floats, dict[int, str], dict[int, str]]:
    """Rates of the neighbourhoods, the zones without one, and the zones of neighbourhoods without any weight."""
    # A zone where nobody lives has no say, whether its rate is known or not.
    gap = np.isnan(weight) | ((weight > 0) & np.isnan(rate))
    says = ~gap & (weight > 0)
    mass = np.where(says, parts.share * weight, 0.0)
    whole = parts.summed(mass)
    total = parts.summed(mass * np.where(says, rate, 0.0))
    mean = np.divide(total, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    low, high = np.full(len(whole), np.inf), np.full(len(whole), -np.inf)
    np.minimum.at(low, parts.place[says], rate[says])
    np.maximum.at(high, parts.place[says], rate[says])
    silent = (whole == 0) & (parts.summed(gap) == 0)
    # Rounding may not move a mean of equal rates off them.
    return np.where(whole > 0, np.clip(mean, low, high), np.nan), parts.named(gap), parts.named(silent[parts.place])


def _told(
    code: str, zones: dict[int, str], parts: _Parts, *, column: str, files: tuple[str, str], weight: str = ""
) -> list[Finding]:
    return [
        finding(code, files[1], id=str(parts.places[i]), column=column, zones=names, file=files[0], weight=weight)
        for i, names in zones.items()
    ]


def _without_parts(parts: _Parts, origins: tuple[Origin, Origin, Origin]) -> list[Finding]:
    table, crosswalk, place = origins
    none = np.flatnonzero(np.bincount(parts.place, minlength=len(parts.places)) == 0)
    return [
        finding("ES-CROSSWALK-NONE", place.file, id=str(parts.places[i]), file=table.file, other=crosswalk.file)
        for i in none
    ]


def _leaving(zones: _Zones, missed: pd.Series, declared: EarlierTable, origin: Origin) -> list[Finding]:
    """Flag zones some of whose people are in no neighbourhood, and say how much of each count that is."""
    shares = zones.ids.map(missed)
    return [
        finding(
            "ES-CROSSWALK-LOST",
            origin.file,
            row=origin.row(int(i)),
            id=str(zones.ids.iloc[i]),
            percent=f"{PERCENT * shares.iloc[i]:.3g}",
            what=", ".join(
                f"{column} {number_text(shares.iloc[i] * zones.numbers[column].iloc[i])}" for column in declared.counts
            )
            or "no count",
        )
        for i in np.flatnonzero(shares > TOLERANCE)
    ]


def _balanced(counts: pd.DataFrame, parts: _Parts, missed: pd.Series) -> pd.Series:
    """Add up what came to no neighbourhood; with what did, it is the sum of the table, or the run stops."""
    known = counts.fillna(0.0)
    lost = known.mul(missed, axis=0).sum()
    for column, whole in known.sum().items():
        brought = parts.summed(parts.share * known[column].to_numpy()[parts.zone]).sum()
        if abs(brought + lost[column] - whole) > BALANCE * max(1.0, whole):
            msg = f"{column}: {brought:.15g} brought over and {lost[column]:.15g} lost do not add up to {whole:.15g}"
            raise EquityScreenError(msg)
    return lost


def _listed(names: list[str]) -> str:
    return ", ".join([*names[:NAMED_ROWS], *(["…"] if len(names) > NAMED_ROWS else [])])
