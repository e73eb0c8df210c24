"""The package's few error classes, and the finding that each input fault is reported as."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

Status = Literal["repaired", "flagged", "refused"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed about one place of the input: what, where, the value and the mend.

    Parameters
    ----------
    status : {"repaired", "flagged", "refused"}
        Fate of the row; "refused" stops a run unless the project sets ``on_bad_row = "refuse"``.
    code : str
        Stable code, for instance ``ES-ID-DUPLICATE``.
    source : str
        Name of the file, or ``"table"`` for a table made in memory.
    reason : str
        What is the matter, in a sentence without its full stop.
    mend : str
        What the user can do.
    row : str
        Where in the file: ``"row 43"`` (line of a table, header included) or ``"feature 2"``;
        ``""`` for the whole file.
    id : str
        Id of the row, where it has one.
    column : str
        Column concerned, where there is one.
    value : str
        Offending value as text.

    Examples
    --------
    >>> fault = Finding("refused", "ES-COUNT-NEGATIVE", "people.csv", "a count below zero",
    ...                 "correct the count", row="row 3", id="A", column="population", value="-2500")
    >>> print(fault)
    people.csv, row 3, id A, column population, value -2500: a count below zero. \
Mend: correct the count. [ES-COUNT-NEGATIVE]
    """

    status: Status
    code: str
    source: str
    reason: str
    mend: str
    row: str = ""
    id: str = ""
    column: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Read as one line of text."""
        places = {"id ": self.id, "column ": self.column, "value ": self.value}
        named = [self.source, self.row] + [prefix + text for prefix, text in places.items() if text]
        where = ", ".join(part for part in named if part)
        stop = "" if self.mend.endswith("?") else "."
        return f"{where}: {self.reason}. Mend: {self.mend}{stop} [{self.code}]"


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every finding there can be: code → its status, reason and mend.

    Returns
    -------
    mapping
        Read from ``codes.toml``.

    Examples
    --------
    >>> catalogue()["ES-ID-MISSING"]["mend"]
    'fill in the id'
    """
    text = (resources.files("equity_screen") / "codes.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


def finding(
    code: str,
    source: str = "",
    *,
    row: str = "",
    id: str = "",
    column: str = "",
    value: str = "",
    **words: object,
) -> Finding:
    """Make the finding of a code at a place.

    Parameters
    ----------
    code : str
        Code of the catalogue.
    source : str
        Name of the file.
    row, id, column, value : str
        Place and offending value.
    **words
        What fills the braces of the code's reason and mend.

    Returns
    -------
    Finding
        The finding.

    Examples
    --------
    >>> print(finding("ES-FILE-EMPTY", "zones.csv"))
    zones.csv: no rows. Mend: check that this is the right file. [ES-FILE-EMPTY]
    """
    entry = catalogue()[code]
    status: Status = entry["status"]  # type: ignore[assignment]
    reason, mend = (entry[part].format_map(words) for part in ("reason", "mend"))
    return Finding(status, code, source, reason, mend, row=row, id=id, column=column, value=value)


class EquityScreenError(Exception):
    """Root of the package's errors; on its own it means that an inner account does not add up."""

    exit_code = 1


class UsageError(EquityScreenError, ValueError):
    """A call that cannot be meant: an unknown name, options that exclude one another."""

    exit_code = 2


class InputError(EquityScreenError, ValueError):
    """Input that would change a number if it were used; lists every fault at once.

    Parameters
    ----------
    findings : iterable of Finding
        The refused places.

    Examples
    --------
    >>> error = InputError([Finding("refused", "ES-FILE-EMPTY", "zones.csv", "no rows", "add rows")])
    >>> print(error)
    1 fault in the input:
      zones.csv: no rows. Mend: add rows. [ES-FILE-EMPTY]
    """

    exit_code = 3

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        title = f"{count} fault{'s' if count > 1 else ''} in the input:"
        super().__init__("\n".join([title, *(f"  {finding}" for finding in self.findings)]))


class OutputError(EquityScreenError, OSError):
    """The outputs could not be written; the previous outputs are as they were."""

    exit_code = 4


class LockedError(EquityScreenError, RuntimeError):
    """Another run is writing the same output folder."""

    exit_code = 5


class EquityScreenWarning(UserWarning):
    """Rows were repaired or flagged; the message counts them by code."""
