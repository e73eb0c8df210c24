"""Notebooks run from their first cell to their last, and what is stored in them is what they give.

``python -m tests.test_notebooks`` runs them and stores their outputs anew.
"""

from __future__ import annotations

import copy
import html
import json
import os
import re
from pathlib import Path

import geopandas as gpd
import nbformat
import numpy as np
import pandas as pd
import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbclient import NotebookClient

from equity_screen.synthetic import planted_concentration_index

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KERNEL = "python3"
NOT_KEPT = "output-not-kept"
LARGEST_BYTES = 300_000

# Run after the last cell: the variables that the tests look at, as JSON.
PROBE = """
import json

def records(table):
    return json.loads(table.reset_index().to_json(orient="records", double_precision=15))

print(json.dumps({
    "city": city.name,
    "finding": finding,
    "planted": planted,
    "priority": sorted(priority.index[priority]),
    "priority_people": priority_people,
    "references": records(references),
    "robust": {way: records(robust[way]) for way in robust.columns.levels[0]},
    "said": records(said),
    "groups": records(groups),
    "heat": records(hoods["heat"]),
    "scores": records(result.scores[["where", "benefit_people_reached", "benefit_ci_income"]]),
    "accounts": records(accounts),
    "map": type(city_map).__mro__[1].__name__,
}))
"""


def run(notebook: nbformat.NotebookNode, *, kernel: str = KERNEL) -> nbformat.NotebookNode:
    """Run a notebook in the folder that it lies in, whatever folder the tests run in."""
    folder = str(ROOT / "notebooks")
    client = NotebookClient(notebook, timeout=120, kernel_name=kernel, record_timing=False)
    return client.execute(cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})


def without_large_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take away what a cell says is not to be kept, and what differs from machine to machine."""
    for cell in notebook.cells:
        if NOT_KEPT in cell.metadata.get("tags", []):
            cell.outputs = []
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """Read what a cell shows, as text."""
    return [
        output.data.get("text/markdown", output.data.get("text/plain"))
        if output.output_type in {"execute_result", "display_data"}
        else f"{output.output_type}: {output.get('text', output.get('evalue'))}"
        for output in cell.outputs
    ]


@pytest.fixture(scope="module")
def kernel():
    """Name of the kernel, where there is one."""
    try:
        KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        pytest.skip(f"no Jupyter kernel {KERNEL}: install ipykernel to run the notebooks")
    return KERNEL


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(ROOT / "notebooks" / "01_screen_a_city.ipynb", as_version=4)


@pytest.fixture(scope="module")
def executed(kernel, stored):
    notebook = copy.deepcopy(stored)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    return run(notebook, kernel=kernel)


@pytest.fixture(scope="module")
def found(executed):
    """Variables of the notebook once its last cell has run."""
    return json.loads(executed.cells[-1].outputs[0].text)


# What is stored


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS] == ["01_screen_a_city.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_small_and_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert len(text.encode()) < LARGEST_BYTES
    assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\\\|ipykernel_\d|\b0x[0-9a-f]{6,}", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_no_verdict(path):
    text = " ".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    verdict = re.compile(r"\b(?:un)?fair\w*|\bunjust\w*|\bproves?\b|\bproven\b|\bunbiased\b|\bsolves?\b", re.IGNORECASE)
    assert verdict.findall(text) == []


def test_cells_are_stored_in_the_order_in_which_they_ran(stored):
    counts = [cell.execution_count for cell in code_cells(stored)]
    assert counts == list(range(1, len(counts) + 1))


def test_stored_outputs_are_those_of_a_new_run(stored, executed):
    for before, after in zip(code_cells(stored), code_cells(executed)[:-1], strict=True):
        if NOT_KEPT in before.metadata.get("tags", []):
            assert before.outputs == []
        else:
            assert shown(before) == shown(after), f"{before.id}: run python -m tests.test_notebooks"


def test_no_cell_writes_to_a_stream_or_warns(executed):
    kinds = {output.output_type for cell in code_cells(executed)[:-1] for output in cell.outputs}
    assert kinds == {"execute_result"}


def test_the_map_is_shown_inline_and_loads_nothing_from_elsewhere(executed):
    cell = next(cell for cell in executed.cells if NOT_KEPT in cell.metadata.get("tags", []))
    page = html.unescape(cell.outputs[0].data["text/html"])
    assert "<iframe" in page
    assert "Waste-heat plant" in page
    loaded = re.findall(r"<(?:script|link|img)\b[^>]*?\b(?:src|href)=[\"']([^\"']{5})", page)
    assert set(loaded) == {"data:"}


# What it finds, by another way than its own


@pytest.fixture(scope="module")
def files():
    """The city's files, read with geopandas and pandas alone."""
    folder = ROOT / "data" / "northhaven"
    blocks = pd.read_csv(folder / "blocks.csv")
    places = gpd.points_from_xy(blocks["x"], blocks["y"], crs="EPSG:25832")
    return {
        "hoods": gpd.read_file(folder / "neighbourhoods.gpkg").set_index("id"),
        "blocks": gpd.GeoDataFrame(blocks.assign(hood=blocks["block"].str[:5]), geometry=places),
        "actions": gpd.read_file(folder / "actions.geojson").set_index("id").to_crs("EPSG:25832"),
    }


def people_within(files, action, metres):
    """People by neighbourhood whose point is near; a metre of UTM is within 0.04 % of one on the ground."""
    near = files["blocks"].distance(files["actions"].geometry[action]) <= metres
    counted = files["blocks"][near].groupby("hood")["people"].sum()
    return counted.reindex(files["hoods"].index, fill_value=0)


def of_group(found, action, ledger, effect, group):
    key = {"action": action, "ledger": ledger, "effect": effect, "group": group}
    return next(row for row in found["groups"] if key.items() <= row.items())


def percent_rank(values):
    return (values.rank(method="min") - 1) / (values.count() - 1)


def test_priority_neighbourhoods_are_the_top_quarter_of_the_mean_of_three_percentiles(found, files):
    populated = files["hoods"].dropna(subset="population")
    heat = pd.DataFrame(found["heat"]).set_index("neighbourhood")["heat"].reindex(populated.index)
    domains = [percent_rank(heat), percent_rank(populated["pm25"]), percent_rank(populated["energy_burden"])]
    score = percent_rank(np.round(sum(domains), 9))
    assert found["priority"] == sorted(score.index[score >= 0.75])
    people = populated["population"]
    assert found["priority_people"] == pytest.approx(people[found["priority"]].sum() / people.sum(), rel=1e-12)


def test_share_of_the_bus_corridor_to_priority_places(found, files):
    """12 hours a year for each person within 500 m: the hours cancel."""
    reached = people_within(files, "ACT-02", 500.0)
    share = reached[found["priority"]].sum() / reached.sum()
    row = next(r for r in found["references"] if (r["action"], r["ledger"]) == ("ACT-02", "benefit"))
    assert row["to priority places"] == pytest.approx(share, rel=1e-12)
    assert row["policy"] == 0.40
    assert row["people who live there"] == pytest.approx(found["priority_people"], rel=1e-12)


@pytest.mark.parametrize("group", ["low_income", "communities_of_colour", "indigenous"])
def test_parity_of_the_exhaust_and_its_bounds(found, files, group):
    """Each person in reach carries the same amount, so that parity is a ratio of two shares of people."""
    everyone, count = files["hoods"]["population"].fillna(0), files["hoods"][group].fillna(0)
    reached = people_within(files, "ACT-07", 1000.0)
    part = count / everyone.where(everyone > 0)
    amounts = {
        "parity": reached * part,
        "parity_low": (reached - (everyone - count)).clip(lower=0),
        "parity_high": np.minimum(reached, count),
    }
    row = of_group(found, "ACT-07", "burden", "exhaust", group)
    for name, amount in amounts.items():
        parity = (amount.sum() / reached.sum()) / (count.sum() / everyone.sum())
        assert row[name] == pytest.approx(parity, rel=1e-9), name
    by_points = next(r for r in found["robust"]["by points"] if r["group"] == group)
    assert by_points == {"group": group, **{name: row[name] for name in ("parity_low", "parity", "parity_high")}}


def test_what_is_said_of_each_group_follows_from_its_bounds(found):
    for way in ("by points", "by area"):
        said = {row["group"]: row[way] for row in found["said"]}
        for row in found["robust"][way]:
            straddles = row["parity_low"] < 1 < row["parity_high"]
            assert said[row["group"]] == ("straddles parity" if straddles else "above")


def test_planted_answers_are_recovered(found, files):
    scores = {row["action"]: row for row in found["scores"]}
    assert found["planted"] == planted_concentration_index(files["hoods"])
    assert scores["ACT-INCOME"]["benefit_ci_income"] == pytest.approx(found["planted"], abs=1e-6)
    assert scores["ACT-ONE"]["benefit_people_reached"] == files["hoods"]["population"].max()
    for row in found["groups"]:
        if row["action"] == "ACT-UNIFORM":
            assert row["parity"] == pytest.approx(1.0, abs=1e-12)


def test_every_person_is_in_the_accounts(found, files):
    accounts = {row["account"]: row["total"] for row in found["accounts"]}
    people = files["hoods"]["population"].sum()
    assert accounts["neighbourhoods.gpkg: people"] == accounts["blocks.csv: people"] == people == 285_916


def test_the_finding_names_measure_direction_uncertainty_and_what_was_not_seen(found):
    assert re.findall(r"^\*([A-Z][a-z ]+)\.\*", found["finding"], re.MULTILINE) == [
        "Measure",
        "Direction",
        "Uncertainty",
        "Not seen",
    ]
    row = of_group(found, "ACT-07", "burden", "exhaust", "low_income")
    area = next(r for r in found["robust"]["by area"] if r["group"] == "low_income")
    text = " ".join(found["finding"].split())
    assert f"{row['parity']:.2f} times their share" in text
    for bounds in (row, area):
        assert f"{bounds['parity_low']:.2f} to {bounds['parity_high']:.2f} by" in text
        # The words "above 1 either way" hold
        assert bounds["parity_low"] > 1


if __name__ == "__main__":
    for path in NOTEBOOKS:
        nbformat.write(without_large_outputs(run(nbformat.read(path, as_version=4))), path)
