"""Words kept true: docstrings, the README's commands, pins, the conda file, the way people are spoken of."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

import equity_screen as es
from equity_screen.disclosure import PROFILES
from equity_screen.measures import MEASURES
from equity_screen.publish import RECORD, WRITERS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "equity_screen"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stem not in {"__init__", "__main__"})
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# Docstrings


def public_names(path: Path) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Give the public functions and classes of a module, and the public methods of those classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    methods = {
        f"{name}.{method.name}": method
        for name, node in top.items()
        if isinstance(node, ast.ClassDef) and not name.startswith("_")
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }
    return {name: node for name, node in (top | methods).items() if not name.rpartition(".")[2].startswith("_")}


PUBLIC = {f"{path.stem}.{name}": node for path in MODULES for name, node in public_names(path).items()}
# Docstrings of commands are the help texts that planners read; tests/test_cli.py runs their examples.
DESCRIBED = {name: node for name, node in PUBLIC.items() if not name.startswith("cli.")}
FUNCTIONS = {name: node for name, node in DESCRIBED.items() if isinstance(node, ast.FunctionDef)}


def docstring(node: ast.FunctionDef | ast.ClassDef) -> str:
    return ast.get_docstring(node) or ""


def is_property(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(d).endswith(("property", ".setter")) for d in node.decorator_list)


def parameters(node: ast.FunctionDef) -> list[str]:
    args = node.args
    given = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
    return [a.arg for a in given if a.arg not in {"self", "cls"}]


def section(text: str, title: str) -> str:
    """Give the body of one numpydoc section, or nothing."""
    found = re.search(rf"^{title}\n-{{3,}}\n(.*?)(?=^\S[^\n]*\n-{{3,}}\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_has_a_summary_of_one_line(name):
    summary, _, rest = docstring(PUBLIC[name]).partition("\n")
    assert summary.endswith((".", "?", "!")), f"{name}: {summary!r}"
    assert not rest or rest.startswith("\n"), f"{name}: a blank line follows the summary"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_parameter_and_result_of_a_public_function_is_described(name):
    node, text = FUNCTIONS[name], docstring(FUNCTIONS[name])
    if is_property(node):
        return
    described = re.findall(r"^([*\w, ]+?) *(?::|$)", section(text, "Parameters"), re.MULTILINE)
    names = {part.strip(" *") for line in described for part in line.split(",")}
    assert set(parameters(node)) - names == set()
    answers = node.returns is not None and ast.unparse(node.returns) not in {"None", "NoReturn"}
    assert not answers or section(text, "Returns") or section(text, "Yields"), "what comes back is not described"


# Errors are shown where they are raised, and plain tuples and bases where they are filled.
PLAIN_BASES = ("Error", "Exception", "Warning", "NamedTuple", "BaseModel")


@pytest.mark.parametrize("name", [n for n in DESCRIBED if "." not in n.partition(".")[2]])
def test_each_public_function_and_class_has_an_example_that_runs(name):
    """Pytest runs them: ``--doctest-modules`` over the package is among its options."""
    node = DESCRIBED[name]
    if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith(PLAIN_BASES) for base in node.bases):
        return
    assert ">>> " in section(docstring(node), "Examples")


def test_pytest_runs_the_examples_of_the_package():
    options = PYPROJECT["tool"]["pytest"]["ini_options"]
    assert "--doctest-modules" in options["addopts"]
    assert "equity_screen" in options["testpaths"]


# The two commands


def readme_commands() -> list[str]:
    return [line.removeprefix("$ ") for line in text_of("README.md").splitlines() if "python3 -m venv" in line]


def test_readme_has_two_commands_that_set_themselves_up():
    demo, tests = readme_commands()
    assert demo.endswith(" && .venv/bin/equity-screen demo")
    assert tests.endswith(" && .venv-test/bin/python -m pytest")


def test_ci_runs_exactly_the_two_commands_of_the_readme():
    declared = [shlex.split(line)[1] for line in text_of(".ci/run").splitlines() if "python3 -m venv" in line]
    assert [assignment.partition("=")[2] for assignment in declared] == readme_commands()


def test_contributing_repeats_the_two_commands():
    lines = text_of("CONTRIBUTING.md").splitlines()
    assert [line for line in lines if "python3 -m venv" in line] == readme_commands()


def test_ci_is_a_valid_script():
    check = ["bash", "-n", str(ROOT / ".ci" / "run")]
    assert subprocess.run(check, capture_output=True, text=True, check=False).stderr == ""


# Versions


def name_and_bound(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([A-Za-z0-9-]+)(.*)", requirement.replace(" ", "")).groups()
    return name.lower(), bound


def conda_requirements() -> list[str]:
    """Read the dash lines of the thin conda file that name a package with its bound."""
    lines = text_of("environment.yml").partition("dependencies:")[2].splitlines()
    entries = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    return [entry for entry in entries if entry not in {"pip", "pip:", "-e ."}]


def test_conda_file_has_the_names_and_bounds_of_pyproject():
    wanted = [*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"]
    assert sorted(map(name_and_bound, conda_requirements())) == sorted(map(name_and_bound, wanted))


def test_every_direct_dependency_has_a_lower_bound():
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(r for extra in extras for r in extra)]:
        assert re.fullmatch(r">=\d[\d.]*", name_and_bound(requirement)[1]), requirement


def test_constraints_pin_every_direct_dependency_and_hold_no_address():
    pins = text_of("constraints.txt")
    assert not re.search(r"://|^-|@|#", pins, re.MULTILINE)
    pinned = {line.partition("==")[0] for line in pins.splitlines()}
    extras = PROJECT["optional-dependencies"].values()
    direct = [*PROJECT["dependencies"], *(r for extra in extras for r in extra)]
    assert {name_and_bound(r)[0] for r in direct} - pinned == set()


def test_package_project_and_changelog_have_one_version():
    version = PROJECT["version"]
    assert f'__version__ = "{version}"' in (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    newest = re.search(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert newest
    assert version in newest[1]


# Pages

PAGES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "data/*.md")
    for path in sorted(ROOT.glob(pattern))
]
LEGAL = {
    "any": "any values",
    "something": "any, not all of them 0",
    "total": "a total that is not 0",
    "non-negative": "none below 0, not all 0",
    "positive": "all above 0",
}
A_PROJECT = {
    "effects_file": "effects.csv",
    "neighbourhoods": {"file": "zones.gpkg", "id": "id", "population": "people"},
    "actions": [{"file": "actions.geojson"}],
    "groups": {"low_income": {"label": "People with low incomes", "count": "low_income"}},
    "effects": [{"ledger": "benefit", "effect": "trips", "unit": "trips/year"}],
}


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def with_keys(base: dict, more: dict) -> dict:
    """Put the keys of a snippet into a project, table by table; every table of a list is begun as the project's is."""
    both = {key: (base[key], more[key]) for key in base.keys() & more.keys()}
    tables = {key: with_keys(*pair) for key, pair in both.items() if isinstance(pair[0], dict)}
    lists = {key: [old[0] | one for one in new] for key, (old, new) in both.items() if isinstance(old, list)}
    return base | more | tables | lists


SNIPPETS = {f"{page}-{number}": text for page in PAGES for number, text in enumerate(fenced(page, "toml"))}


@pytest.mark.parametrize("text", SNIPPETS.values(), ids=SNIPPETS)
def test_every_key_of_a_project_file_that_a_page_shows_is_real(text):
    assert es.Project.model_validate(with_keys(A_PROJECT, tomllib.loads(text)))


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_package_that_a_page_uses_is_public(page):
    used = set(
        re.findall(r"\b(?:es|equity_screen)\.([A-Za-z]\w*)", re.sub(r"equity_screen\.\w+ +import", "", text_of(page)))
    )
    modules = {path.stem for path in MODULES} | {"py"}
    assert used - set(es.__all__) - modules == set()


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        path, _, heading = target.partition("#")
        if "://" in target:
            continue
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not heading or heading in anchors, target


def test_the_readme_names_every_output_and_no_other():
    table = text_of("README.md").partition("| in the folder |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w.]+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:]))
    whole = {one if not one.startswith(".") else f"neighbourhoods{one}" for one in named}
    assert whole == {*WRITERS, RECORD}


def test_the_pages_name_tables_that_are_written():
    for page in ("docs/fairness.md", "docs/certainty.md", "docs/reach.md"):
        named = set(re.findall(r"`(\w+\.csv)`", text_of(page)))
        assert named - {"effects.csv"} <= set(WRITERS), page


def measure_row(measure) -> str:
    over = "each ranking" if measure.wants_ranking else "each income" if measure.wants_income else ""
    legal = LEGAL[measure.needs] + ("; benefits only" if measure.goods_only else "")
    cells = (f"`{measure.name}`", measure.label, measure.formula.replace("|", r"\|"), legal, over)
    return "| " + " | ".join([*cells, "always" if measure.default else "on request"]) + " |"


def test_the_table_of_measures_is_that_of_the_code():
    rows = re.findall(r"^\| `.*\| (?:always|on request) \|$", text_of("docs/fairness.md"), re.MULTILINE)
    assert rows == [measure_row(measure) for measure in MEASURES.values()]


def test_the_table_of_profiles_is_that_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", text_of("docs/certainty.md"), re.MULTILINE)
    assert [(name, int(least)) for name, least, _ in rows] == [(p.name, p.minimum_people) for p in PROFILES.values()]
    for (_, _, besides), profile in zip(rows, PROFILES.values(), strict=True):
        assert ("0 is printed" in besides) == profile.shows_zero
        assert (f"multiples of {profile.rounding_base}" in besides) == (profile.rounding_base > 0)
        assert (f"fewer than {profile.starred_below} have a star" in besides) == (profile.starred_below > 0)


@pytest.mark.parametrize(
    ("section", "declaration"), [("uncertainty", es.Uncertainty), ("siting", es.Siting), ("stability", es.Stability)]
)
def test_the_page_on_certainty_names_every_key_of_its_sections(section, declaration):
    text = text_of("docs/certainty.md")
    assert f"[{section}]" in text
    assert [key for key in declaration.model_fields if not re.search(rf"\b{key}\b", text)] == []


# Words

# The words of the data model.
WORDS = {
    "action",
    "benefit",
    "burden",
    "coverage",
    "dimension",
    "effect",
    "group",
    "index",
    "indicator",
    "ledger",
    "neighbourhood",
    "priority neighbourhood",
    "reach",
    "recipe",
}


def glossary_terms() -> list[str]:
    return re.findall(r"^- \*\*(.+?)\*\*", text_of("GLOSSARY.md"), re.MULTILINE)


def test_glossary_has_the_words_of_the_data_model_once_and_in_order():
    terms = glossary_terms()
    assert WORDS - set(terms) == set()
    assert len(terms) == len(set(terms))
    sections = text_of("GLOSSARY.md").split("\n## ")[1:]
    for part in sections:
        listed = re.findall(r"^- \*\*(.+?)\*\*", part, re.MULTILINE)
        assert listed == sorted(listed, key=str.casefold)


# People are not "the poor"; a measure is not a verdict. CONTRIBUTING.md says what to write instead.
UNWELCOME = re.compile(r"\b(the poor|minorit(?:y|ies)|underprivileged|unbiased)\b", re.IGNORECASE)
SPOKEN = [
    path
    for pattern in ("*.md", "equity_screen/**/*", "notebooks/*.ipynb", "data/**/*.md", "data/**/*.toml", "docs/**/*")
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in {".md", ".py", ".toml", ".html", ".j2", ".ipynb", ".csv"} and path.name != "CONTRIBUTING.md"
]


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: path.name)
def test_people_are_spoken_of_with_respect(path):
    assert UNWELCOME.findall(path.read_text(encoding="utf-8")) == []
