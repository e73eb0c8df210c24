"""Delaware's tracts in the Social Vulnerability Index 2020, with the margins of error of their sixteen indicators.

Percentages are drawn from normal distributions with their published margins, set to 0 or 100 where they fall
beyond, and ranked again as CDC/ATSDR ranks them; seeds 2030 and 2031, 1,000 draws each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from equity_screen.draws import interval, percentile_draws, probability_at_least
from equity_screen.index import percentile

pytestmark = pytest.mark.shared

THEMES = (
    ("POV150", "UNEMP", "HBURD", "NOHSDP", "UNINSUR"),
    ("AGE65", "AGE17", "DISABL", "SNGPNT", "LIMENG"),
    ("MINRTY",),
    ("MUNIT", "MOBILE", "CROWD", "NOVEH", "GROUPQ"),
)
VARIABLES = [name for theme in THEMES for name in theme]
HIGH = 0.90


@pytest.fixture(scope="module")
def tracts(shared_data: Path) -> pd.DataFrame:
    path = shared_data / "cdc_svi" / "SVI_2020_Delaware_tract.csv.gz"
    table = pd.read_csv(path, dtype={"GEOID": "str"}).set_index("GEOID")
    return table[table["E_TOTPOP"] > 0].replace(-999.0, np.nan)


def half_up(values: np.ndarray) -> np.ndarray:
    """Round to four digits, 5 away from 0, as the published ranks are."""
    return np.floor(values * 1e4 + 0.5 + 1e-9) / 1e4


def ranked(values: np.ndarray) -> np.ndarray:
    """Rank each column: (rank_min − 1) / (n − 1) over those that have a value."""
    columns = [percentile(pd.Series(column), method="percent_rank").to_numpy() for column in values.T]
    return half_up(np.column_stack(columns))


def overall(values: np.ndarray) -> np.ndarray:
    """Overall percentile of each tract from its sixteen percentages."""
    return ranked(half_up(ranked(values).sum(axis=1))[:, None])[:, 0]


def test_ranks_without_draws_are_the_published_ones(tracts: pd.DataFrame) -> None:
    ranks = ranked(tracts[[f"EP_{v}" for v in VARIABLES]].to_numpy())
    np.testing.assert_array_equal(ranks, tracts[[f"EPL_{v}" for v in VARIABLES]].to_numpy())
    for number, theme in enumerate(THEMES, start=1):
        places = [VARIABLES.index(v) for v in theme]
        sums = half_up(ranks[:, places].sum(axis=1))
        np.testing.assert_allclose(sums, tracts[f"SPL_THEME{number}"], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(ranked(sums[:, None])[:, 0], tracts[f"RPL_THEME{number}"])
    scores = overall(tracts[[f"EP_{v}" for v in VARIABLES]].to_numpy())
    np.testing.assert_array_equal(scores, tracts["RPL_THEMES"])


@pytest.mark.parametrize("seed", [2030, pytest.param(2031, marks=pytest.mark.slow)])
def test_how_sure_the_overall_percentile_is(tracts: pd.DataFrame, seed: int) -> None:
    estimates, margins = (tracts[[p + v for v in VARIABLES]].to_numpy() for p in ("EP_", "MP_"))
    drawn = percentile_draws(estimates, margins, draws=1000, seed=seed, clip=(0.0, 100.0), score=overall)
    low, high = interval(drawn, level=0.90)
    assert 0.28 <= np.nanmedian(high - low) <= 0.32
    top = (tracts["RPL_THEMES"] >= HIGH).to_numpy()
    assert top.sum() == 26
    assert 16 <= (probability_at_least(drawn[top], HIGH) < 0.90).sum() <= 18
