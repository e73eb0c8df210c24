"""The result: frozen, short to read, its tables complete."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from equity_screen.publish import WRITERS
from equity_screen.result import Result
from equity_screen.screen import screen
from equity_screen.synthetic import four_actions, four_zones


@pytest.fixture(scope="module")
def result() -> Result:
    return screen(four_zones(), four_actions())


def test_reads_as_one_line(result):
    assert repr(result) == "Result('Equity screening': 4 actions, 6 effects, 4 neighbourhoods, 1 groups)"


def test_is_frozen(result):
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        result.scores = None


def test_every_table_is_published(result):
    tables = {f.name for f in dataclasses.fields(result) if isinstance(getattr(result, f.name), pd.DataFrame)}
    written = {name.partition(".")[0] for name in WRITERS}
    assert tables - {"actions"} <= written  # the actions stand in the scores
