"""The order of the modules, what each may import, and the size of things. Nothing is imported but in a
subprocess: the source is read as text.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "equity_screen"
SOURCES = sorted((ROOT / PACKAGE).rglob("*.py"))
FACADES = {"__init__", "__main__"}

TOP_LEVEL = {
    "equity_screen": "the package",
    "data": "the city that ships",
    "notebooks": "worked examples",
    "tests": "one file a module",
    "benchmarks": "python -m benchmarks",
    "environment.yml": "conda",
    "pyproject.toml": "pip",
    "constraints.txt": "pins",
    "README.md": "two commands",
    "ARCHITECTURE.md": "one screen",
    "GLOSSARY.md": "words",
    "CHANGELOG.md": "what changed",
    "CONTRIBUTING.md": "how to work on it",
    "LICENSE": "terms",
    ".ci/run": "everything, from clean clones",
}

# Needed to compute or to draw, never to print a help text, a JSON Schema or a project file.
HEAVY = (
    "folium",
    "geopandas",
    "pandas",
    "pyogrio",
    "rasterio",
    "scipy",
    "shapely",
    "sklearn",
)


class Import(NamedTuple):
    """One import of one of our own modules."""

    importer: str
    imported: str
    line: int
    nested: bool


def module_name(path: Path) -> str:
    """Name a module, or the folder that it has grown into."""
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Give absolute dotted names; ``from a.b import c`` gives ``a.b.c``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = f"{PACKAGE}.{node.module or ''}".rstrip(".") if node.level else str(node.module)
    return [f"{base}.{alias.name}" for alias in node.names]


def imports_of(path: Path) -> list[tuple[str, int, bool]]:
    """List (dotted name, line, whether inside a function) of every import of a file."""
    tree = tree_of(path)
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    nested = {id(inner) for function in functions for inner in ast.walk(function)}
    nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return [(name, node.lineno, id(node) in nested) for node in nodes for name in imported_names(node)]


def internal_imports() -> list[Import]:
    """List the imports between our modules; the facade is no part of the order."""
    found = []
    for path in SOURCES:
        for name, line, nested in imports_of(path):
            first, _, rest = name.partition(".")
            if first == PACKAGE and module_name(path) not in FACADES:
                found.append(Import(module_name(path), rest.split(".")[0], line, nested))
    return [found_one for found_one in found if found_one.imported != found_one.importer]


def stated_order() -> list[str]:
    """Read the module order from the fenced block that follows the words "import order"."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"import order[^\n]*\n+```[^\n]*\n(.*?)```", text, flags=re.IGNORECASE | re.DOTALL)
    assert block, "ARCHITECTURE.md: no fenced block follows a line with the words 'import order'"
    return [line.split()[0] for line in block[1].splitlines() if line.strip()]


def test_architecture_lists_every_module_once():
    order = stated_order()
    assert sorted(order) == sorted({module_name(path) for path in SOURCES} - FACADES)


def test_modules_import_only_modules_above_them():
    rank = {name: place for place, name in enumerate(stated_order())}
    wrong = [i for i in internal_imports() if rank.get(i.imported, len(rank)) >= rank[i.importer]]
    # The command line is last: it alone may reach the others through the lazy package.
    wrong = [i for i in wrong if not (i.importer == "cli" and i.imported == "")]
    assert not wrong, "\n".join(f"{i.importer}.py:{i.line} imports {i.imported or PACKAGE}" for i in wrong)


def test_no_import_cycle():
    graph = {}
    for found in internal_imports():
        graph.setdefault(found.importer, set()).add(found.imported)
    graphlib.TopologicalSorter(graph).prepare()


def test_no_internal_import_is_hidden_in_a_function():
    hidden = [f"{i.importer}.py:{i.line}: {i.imported}" for i in internal_imports() if i.nested]
    assert not hidden, hidden


@pytest.mark.parametrize("library", ["folium", "branca"])
def test_only_maps_draws_maps(library):
    users = {module_name(path) for path in SOURCES for name, _, _ in imports_of(path) if name.split(".")[0] == library}
    assert users <= {"maps"}


def test_only_the_edges_speak():
    printing = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing, printing


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_holds(name):
    assert (ROOT / name).exists(), f"{name} is missing: {TOP_LEVEL[name]}"


@pytest.mark.parametrize("module", sorted({module_name(path) for path in SOURCES} - FACADES))
def test_each_module_has_its_test_file(module):
    assert (ROOT / "tests" / f"test_{module}.py").is_file()


# What a command loads

PROBE = """
import json, runpy, sys
heavy, sys.argv = json.loads(sys.argv[1]), ["equity-screen", *sys.argv[2:]]
code = 0
try:
    runpy.run_module("equity_screen", run_name="__main__")
except SystemExit as end:
    code = end.code or 0
print("\\n" + json.dumps([code, [name for name in heavy if name in sys.modules]]), file=sys.stderr)
"""


def run_python(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run in a folder that is not the project's; a failure shows what was written on stderr."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    return run


@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["init", "--help"], ["init"]], ids=" ".join)
def test_command_answers_without_the_heavy_libraries(arguments, tmp_path):
    run = run_python(PROBE, json.dumps(HEAVY), *arguments, cwd=tmp_path)
    assert json.loads(run.stderr.splitlines()[-1]) == [0, []]


def test_importing_the_package_loads_no_library(tmp_path):
    names = [*HEAVY, "numpy", "pydantic", "typer"]
    probe = "import sys, json, equity_screen; print([n for n in json.loads(sys.argv[1]) if n in sys.modules])"
    assert run_python(probe, json.dumps(names), cwd=tmp_path).stdout.strip() == "[]"


# The lazy package

INIT = ROOT / PACKAGE / "__init__.py"
STUB = INIT.with_suffix(".pyi")


def exports() -> dict[str, str]:
    """Read the table name -> module of the package."""
    values = {
        target.id: node.value
        for node in tree_of(INIT).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    modules = ast.literal_eval(values["_MODULES"])
    return {name: module for module, names in modules.items() for name in names.split()}


def test_type_checkers_see_the_names_that_are_loaded_when_used():
    seen = {
        alias.asname: str(node.module).removeprefix(f"{PACKAGE}.")
        for node in ast.walk(tree_of(STUB))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE)
        for alias in node.names
    }
    assert seen == exports()


def test_exports_are_sorted_by_module_order_then_name():
    rank = stated_order().index
    listed = list(exports().items())
    assert listed == sorted(listed, key=lambda item: (rank(item[1]), item[0]))


def test_every_export_comes_from_its_module_however_modules_were_loaded(tmp_path):
    """In a new process, once each module has been bound on the package by its own import."""
    probe = (
        "import importlib, json, sys, equity_screen as es\n"
        "table = json.loads(sys.argv[1])\n"
        "for module in sorted(set(table.values())): importlib.import_module(f'equity_screen.{module}')\n"
        "wrong = [n for n, m in table.items()\n"
        "         if getattr(es, n) is not getattr(sys.modules[f'equity_screen.{m}'], n)]\n"
        "print(json.dumps([wrong, es.__all__, [n for n in table if n not in dir(es)]]))\n"
    )
    table = exports()
    run = run_python(probe, json.dumps(table), cwd=tmp_path)
    assert json.loads(run.stdout) == [[], list(table), []]


def test_an_unknown_name_is_an_attribute_error():
    import equity_screen  # noqa: PLC0415 - the package is what is tested, and only here

    with pytest.raises(AttributeError, match="module 'equity_screen' has no attribute 'scren'"):
        equity_screen.scren  # noqa: B018


# Sizes: the bars of the field's clearest code


def code_lines(text: str) -> set[int]:
    """Number the lines that hold a token besides comments and docstrings."""
    blank = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for t in tokens if t.type not in blank for line in range(t.start[0], t.end[0] + 1)}
    return lines - docstrings


def function_sizes(path: Path) -> dict[str, int]:
    """Count the code lines of each function, its signature included."""
    lines = code_lines(path.read_text(encoding="utf-8"))
    return {
        f"{path.name}:{node.lineno} {node.name}": sum(
            node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines
        )
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_a_module_fits_in_300_code_lines(path):
    assert len(code_lines(path.read_text(encoding="utf-8"))) <= 300


def test_functions_are_short():
    sizes = {name: size for path in SOURCES for name, size in function_sizes(path).items()}
    assert {name: size for name, size in sizes.items() if size > 50} == {}
    assert statistics.median(sizes.values()) <= 8


def public_functions(body: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Give the public functions of a module, and the public methods of its public classes."""
    for node in body.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def positional_parameters(function: ast.FunctionDef) -> list[str]:
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def test_public_functions_take_keywords_beyond_two_arguments():
    """But for commands: typer reads the options of those from their signatures."""
    long = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in SOURCES
        if module_name(path) != "cli"
        for node in public_functions(tree_of(path))
        if len(positional_parameters(node)) > 2
    ]
    assert not long, long


def test_every_expected_error_is_matched_by_its_text():
    bare = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "tests").glob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"pytest.raises", "pytest.warns"}
        if not any(keyword.arg == "match" for keyword in node.keywords)
    ]
    assert not bare, bare
