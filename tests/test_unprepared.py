"""A city that nobody prepared: GeoJSON, CSV and a spreadsheet in Portuguese go from files to a report.

Its shapes come from the generator with a seed of its own, moved to another country; everything else is made here.
"""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xlsxwriter

from equity_screen.cli import main
from equity_screen.synthetic import synthetic_city

SEED = 71
SHIFT = (-560_000.0 - 87_000.0, -6_200_000.0 + 165_000.0)
COUNTRY = "EPSG:3763"  # Portugal: another projection, another place
LINES = 40
PLAN = [
    ("codigo", "acao", "setor", "onde", "custo", "custo_min", "custo_max", "tco2e_ano", "inicio"),
    ("A1", "Rede de calor", "energia", "zones:{0};{1};{2}", 12_500_000, 11_000_000, 15_000_000, 4_200, 2027),
    ("A2", "Reabilitação térmica", "edifícios", "distritos:{3}", 3_400_000.5, None, None, 800, 2026),
    ("A3", "Compras públicas", "resíduos", "citywide", 250_000, None, None, 1_350.25, 2026),
    ("A4", "Corredor de autocarros", "transportes", "unknown", 7_000_000, None, None, None, 2029),
]


class City(NamedTuple):
    """What was drawn, before it was written."""

    zones: gpd.GeoDataFrame
    folder: Path
    text: str
    answer: dict[str, Any]
    results: Path


def drawn() -> gpd.GeoDataFrame:
    """Draw 150 neighbourhoods and their people; ids have leading zeros."""
    shapes = synthetic_city(SEED).neighbourhoods[["geometry", "district_id"]].iloc[:150].reset_index(drop=True)
    rng = np.random.default_rng(SEED)
    people = rng.integers(180, 2600, len(shapes))
    moved = shapes.geometry.translate(*SHIFT).set_crs(COUNTRY, allow_override=True)
    return gpd.GeoDataFrame(
        {
            "codigo": [f"0{i + 101}" for i in range(len(shapes))],
            "bairro": [f"Bairro de São Nº {i}" for i in range(len(shapes))],
            "distrito": shapes["district_id"],
            "populacao": people,
            "baixa_renda": rng.binomial(people, 0.23),
            "idosos_pct": rng.uniform(4, 38, len(shapes)).round(1),
            "renda_mediana": rng.integers(9_000, 41_000, len(shapes)),
        },
        geometry=moved,
        crs=COUNTRY,
    )


def write_sheet(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Plano")
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                sheet.write(i + 2, j, cell)  # two blank lines above, as people leave them


def write_city(folder: Path) -> gpd.GeoDataFrame:
    zones = drawn()
    zones[["codigo", "bairro", "geometry"]].to_crs(4326).to_file(folder / "bairros.geojson", driver="GeoJSON")
    districts = zones.dissolve("distrito").reset_index()
    districts["nome"] = [f"Distrito {name}" for name in districts["distrito"]]
    districts[["distrito", "nome", "geometry"]].to_crs(4326).to_file(folder / "distritos.geojson", driver="GeoJSON")
    table = zones[["codigo", "populacao", "baixa_renda", "idosos_pct", "renda_mediana"]]
    with (folder / "pessoas.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["codigo_bairro", *table.columns[1:]])
        # A spreadsheet program has taken the ids for numbers.
        writer.writerows(
            [int(row[0]), *row[1:]] for row in table.sample(frac=1, random_state=5).itertuples(index=False)
        )
    rows = [
        [str(c).format(*zones["codigo"][[3, 40, 77]], zones["distrito"][77]) if j == 3 else c for j, c in enumerate(r)]
        for r in PLAN
    ]
    write_sheet(folder / "plano.xlsx", rows)
    return zones


def said(*words: str) -> str:
    """Run a command that must go well, and give what it printed."""
    out = StringIO()
    with redirect_stdout(out):
        assert main(list(words)) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def own_signals() -> Iterator[None]:
    """`main` takes over the signals of the process; give them back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, own_signals: None) -> City:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("cidade")
    zones = write_city(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        said("init", "plano.xlsx", "pessoas.csv", "distritos.geojson", "bairros.geojson", "--out", "cidade.toml")
        check = json.loads(said("check", "cidade.toml", "--json", "--quiet"))
        said("run", "cidade.toml", "--out", "resultados", "--quiet")
    text = (folder / "cidade.toml").read_text(encoding="utf-8")
    return City(zones, folder, text, check, folder / "resultados")


def rows_of(city: City, name: str) -> list[dict[str, str]]:
    with (city.results / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def score_of(city: City, action: str) -> dict[str, str]:
    (row,) = [row for row in rows_of(city, "scores.csv") if row["action"] == action]
    return row


def test_the_project_file_is_short(city):
    lines = [line for line in city.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= LINES, lines


def test_nothing_was_refused(city):
    assert city.answer["status"] == "ok"
    assert "refused" not in city.answer["rows"]


@pytest.mark.parametrize(
    "line",
    [
        'file = "bairros.geojson"',
        'id = "codigo"',
        'name = "bairro"',
        'population = "populacao"',
        'table = "pessoas.csv"',
        'table_id = "codigo_bairro"',
        "id_digits = 4",
        'distritos = { label = "Distritos", file = "distritos.geojson", id = "distrito", name = "nome" }',
        'low_income = { label = "People with low incomes", count = "baixa_renda" }',
        'older_people = { label = "Older people", share = "idosos_pct" }',
        'income = { column = "renda_mediana", higher_is = "advantaged", label = "income" }',
        'file = "plano.xlsx"',
        'where = "onde"',
        'cost = "custo"',
        'cost_low = "custo_min"',
        'cost_high = "custo_max"',
        'tco2e = "tco2e_ano"',
        'start = ["inicio"]',
    ],
)
def test_what_is_sure_is_proposed(city, line):
    assert any(text.startswith(line) for text in city.text.splitlines()), city.text


def test_people_of_the_named_zones(city):
    named = city.zones.iloc[[3, 40, 77]]
    row = score_of(city, "A1")
    assert float(row["benefit_people_reached"]) == pytest.approx(named["populacao"].sum(), rel=1e-9)
    mean = named["populacao"].sum() / city.zones["populacao"].sum()  # 1 for each of them, 0 for the others
    assert float(row["benefit_mean"]) == pytest.approx(mean, rel=1e-9)


def test_people_of_a_district(city):
    inside = city.zones["distrito"] == city.zones["distrito"][77]
    assert float(score_of(city, "A2")["benefit_people_reached"]) == pytest.approx(city.zones["populacao"][inside].sum())


def test_citywide_reaches_everyone_and_unknown_nobody(city):
    assert float(score_of(city, "A3")["benefit_people_reached"]) == city.zones["populacao"].sum()
    assert score_of(city, "A4")["benefit_people_reached"] in {"", "0.0", "0"}


def test_groups_of_the_named_zones(city):
    named = city.zones.iloc[[3, 40, 77]]
    rows = {(r["action"], r["group"]): r for r in rows_of(city, "by_group.csv")}
    older = (named["idosos_pct"] / 100 * named["populacao"]).sum()
    assert float(rows["A1", "low_income"]["people_reached"]) == pytest.approx(named["baixa_renda"].sum(), rel=1e-9)
    assert float(rows["A1", "older_people"]["people_reached"]) == pytest.approx(older, rel=1e-9)


def test_money_and_carbon_add_up(city):
    costs = sum(row[4] for row in PLAN[1:])
    carbon = sum(row[7] for row in PLAN[1:] if row[7] is not None)
    scores = rows_of(city, "scores.csv")
    assert sum(float(r["cost"]) for r in scores if r["cost"]) == pytest.approx(costs, rel=1e-12)
    assert sum(float(r["tco2e"]) for r in scores if r["tco2e"]) == pytest.approx(carbon, rel=1e-12)
    ledger = {row["account"]: float(row["total"]) for row in rows_of(city, "ledger.csv")}
    assert (ledger["plano.xlsx: cost"], ledger["plano.xlsx: tco2e"]) == pytest.approx((costs, carbon), rel=1e-12)
    assert ledger["pessoas.csv: people"] == city.zones["populacao"].sum()


def test_a_report_and_a_map_come_out(city):
    assert {"report.html", "map.html", "run.json"} <= {path.name for path in city.results.iterdir()}


def test_the_shapes_are_somewhere_else(city):
    west, south, east, north = gpd.read_file(city.folder / "bairros.geojson").total_bounds
    assert shapely.box(-9.6, 36.9, -6.1, 42.2).contains(shapely.box(west, south, east, north))
