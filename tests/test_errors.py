"""The errors, and the catalogue of findings: what the code says, the catalogue holds, and nothing else."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from equity_screen import errors
from equity_screen.errors import EquityScreenError, Finding, InputError, catalogue, finding

PACKAGE = Path(errors.__file__).parent
CODE = re.compile(r"ES(-[A-Z0-9]+)+")


def code_pattern(node):
    """Pattern of the codes that a text in the source can be; a filled-in part may be any word."""
    if isinstance(node, ast.Constant):
        return re.escape(node.value) if isinstance(node.value, str) and CODE.fullmatch(node.value) else None
    first = node.values[0]
    if not (isinstance(first, ast.Constant) and str(first.value).startswith("ES-")):
        return None
    return "".join(re.escape(p.value) if isinstance(p, ast.Constant) else "[A-Z0-9]+" for p in node.values)


def codes_in_source():
    """Patterns of all codes in the package's source, docstrings apart, with where they stand."""
    patterns = {}
    for path in sorted(PACKAGE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in parts:
                pattern = code_pattern(node)
                if pattern:
                    patterns.setdefault(pattern, f"{path.name}:{node.lineno}")
    return patterns


def words_of(entry):
    """Names in the braces of an entry."""
    return {name for part in ("reason", "mend") for _, name, _, _ in string.Formatter().parse(entry[part]) if name}


class TestCatalogue:
    def test_every_code_in_the_source_is_in_the_catalogue(self):
        unknown = {
            pattern: place
            for pattern, place in codes_in_source().items()
            if not any(re.fullmatch(pattern, code) for code in catalogue())
        }
        assert unknown == {}

    def test_every_entry_is_used(self):
        patterns = codes_in_source()
        assert [code for code in catalogue() if not any(re.fullmatch(p, code) for p in patterns)] == []

    def test_the_search_sees_plain_and_composed_codes(self):
        patterns = codes_in_source()
        assert re.escape("ES-ID-MISSING") in patterns
        assert any(re.fullmatch(p, "ES-COST-ORDER") and re.fullmatch(p, "ES-TCO2E-ORDER") for p in patterns)

    @pytest.mark.parametrize("code", catalogue())
    def test_an_entry_is_whole(self, code):
        entry = catalogue()[code]
        assert CODE.fullmatch(code)
        assert set(entry) == {"status", "reason", "mend"}
        assert entry["status"] in {"repaired", "flagged", "refused"}
        for part in ("reason", "mend"):
            assert entry[part] == entry[part].strip() != ""
            assert not entry[part].endswith(".")

    def test_entries_are_in_the_order_of_their_codes(self):
        assert list(catalogue()) == sorted(catalogue())

    def test_the_catalogue_cannot_be_changed(self):
        with pytest.raises(TypeError, match="does not support item assignment"):
            catalogue()["ES-NEW"] = {}

    @pytest.mark.parametrize("code", catalogue())
    def test_a_finding_can_be_made_of_every_entry(self, code):
        words = {name: f"<{name}>" for name in words_of(catalogue()[code])}
        text = str(finding(code, "a.csv", **words))
        assert text.startswith("a.csv: ")
        assert text.endswith(f"[{code}]")
        assert all(word in text for word in words.values())


class TestFinding:
    def test_names_place_value_reason_and_mend_in_this_order(self):
        found = finding("ES-COUNT-NEGATIVE", "p.csv", row="row 3", id="A", column="pop", value="-2")
        assert str(found) == (
            "p.csv, row 3, id A, column pop, value -2: a count below zero. Mend: correct it; a code for "
            "missing values must be blank or declared. [ES-COUNT-NEGATIVE]"
        )

    def test_leaves_out_what_is_not_known(self):
        assert str(finding("ES-FILE-EMPTY", "p.csv")).startswith("p.csv: no rows.")

    def test_braces_in_the_data_are_only_text(self):
        found = finding("ES-COLUMN-MISSING", "p.csv", column="{0.__class__}", hint="{hint}")
        assert (found.column, found.mend) == ("{0.__class__}", "{hint}")

    def test_an_unknown_code_is_no_finding(self):
        with pytest.raises(KeyError, match="ES-NO-SUCH"):
            finding("ES-NO-SUCH")

    def test_a_word_that_the_entry_needs_must_be_given(self):
        with pytest.raises(KeyError, match="count"):
            finding("ES-FILE-LAYERS", "a.gpkg", names="x, y")

    def test_cannot_be_changed(self):
        with pytest.raises(AttributeError, match="cannot assign to field 'status'"):
            finding("ES-FILE-EMPTY").status = "used"


class TestInputError:
    def test_lists_every_fault_in_the_order_given(self):
        faults = [finding("ES-FILE-EMPTY", name) for name in ("b.csv", "a.csv")]
        assert str(InputError(faults)).splitlines() == ["2 faults in the input:", *(f"  {f}" for f in faults)]

    def test_one_fault_is_singular(self):
        assert str(InputError([finding("ES-FILE-EMPTY", "a.csv")])).startswith("1 fault in the input:\n")

    def test_keeps_the_findings_of_any_iterable(self):
        error = InputError(finding("ES-FILE-EMPTY", name) for name in ("b.csv", "a.csv"))
        assert [f.source for f in error.findings] == ["b.csv", "a.csv"]
        assert all(isinstance(f, Finding) for f in error.findings)


@pytest.mark.parametrize(
    ("name", "code", "builtin"),
    [
        ("EquityScreenError", 1, Exception),
        ("UsageError", 2, ValueError),
        ("InputError", 3, ValueError),
        ("OutputError", 4, OSError),
        ("LockedError", 5, RuntimeError),
    ],
)
def test_each_error_has_its_exit_code_and_its_builtin_kin(name, code, builtin):
    kind = getattr(errors, name)
    assert kind.exit_code == code
    assert issubclass(kind, EquityScreenError)
    assert issubclass(kind, builtin)


def test_exit_codes_tell_the_errors_apart():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")]
    codes = [kind.exit_code for kind in kinds]
    assert len(codes) == len(set(codes)) == 5
