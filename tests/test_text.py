"""Text for every sink: nothing in the data runs, and numbers are written as a reader expects them."""

from __future__ import annotations

import html
import math

import jinja2
import pytest
from hypothesis import given, strategies as st

from equity_screen.text import did_you_mean, number_text, percent_text, plain_text, safe_cell, safe_text


class TestPlainText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, ""),
            (7, "7"),
            ("  Oak  Street\r\n\t12 ", "Oak Street 12"),
            ("\x1b[31mred\x00", "[31mred"),
            ("gnp.\u202eexe", "gnp.exe"),
            ("a\ud800b", "ab"),
            ("\u2066Sør\u2069", "Sør"),
            ("مدينة 🌳", "مدينة 🌳"),
        ],
    )
    def test_is_one_line_without_control_characters(self, value, text):
        assert plain_text(value) == text

    def test_is_cut_where_it_is_too_long(self):
        assert plain_text("abcdef", limit=6) == "abcdef"
        assert plain_text("abcdefg", limit=6) == "abcde…"
        assert len(plain_text("x" * 10_000)) == 300


class TestSafeText:
    @pytest.mark.parametrize(
        ("raw", "safe"),
        [
            ("R&D <i>", "R&amp;D &lt;i&gt;"),
            ("\"a\" 'b'", "&quot;a&quot; &#x27;b&#x27;"),
            ("{{x}}", "&#123;&#123;x&#125;&#125;"),
            ("`${x}`", "&#96;&#36;&#123;x&#125;&#96;"),
            ("\\u003c", "&#92;u003c"),
        ],
    )
    def test_escapes(self, raw, safe):
        assert safe_text(raw) == safe

    @given(st.text(max_size=200))
    def test_shows_as_it_was_and_holds_no_mark_that_starts_code(self, raw):
        safe = safe_text(raw)
        assert html.unescape(safe) == plain_text(raw)
        assert not set(safe) & set("<>\"'{}`$\\")

    @given(st.text(alphabet="{}%#7*<>` ", max_size=30))
    def test_a_template_engine_leaves_it_alone(self, raw):
        safe = safe_text(raw)
        assert jinja2.Environment(autoescape=False, keep_trailing_newline=True).from_string(safe).render() == safe  # noqa: S701 - the map library does not escape

    def test_is_cut_before_it_is_escaped(self):
        assert safe_text("<<<", limit=2) == "&lt;…"


class TestSafeCell:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1"])
    def test_a_formula_becomes_text(self, text):
        assert safe_cell(text) == "'" + text

    @pytest.mark.parametrize("value", ["Oak = 1", "", 3, -3.5, None, True])
    def test_anything_else_stays(self, value):
        assert safe_cell(value) is value


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (1234567, "1,234,567"),
            (-1234, "−1,234"),
            (1234567.0, "1,234,567"),
            (0.0, "0"),
            (-0.05, "−0.0500"),
            (0.123456, "0.123"),
            (12.3456, "12.3"),
            (999.6, "1,000"),
            (None, "–"),
            (math.nan, "–"),
            (math.inf, "∞"),
            (-math.inf, "−∞"),
        ],
    )
    def test_number(self, value, text):
        assert number_text(value) == text

    def test_digits_are_significant(self):
        assert [number_text(0.0012345, digits=d) for d in (1, 2, 4)] == ["0.001", "0.0012", "0.001234"]

    @pytest.mark.parametrize(
        ("share", "text"),
        [(0.3219, "32.2 %"), (0.0, "0.0 %"), (-0.5, "−50.0 %"), (12.0, "1,200.0 %"), (None, "–"), (math.inf, "–")],
    )
    def test_percentage(self, share, text):
        assert percent_text(share) == text

    def test_places_of_a_percentage(self):
        assert percent_text(1 / 3, places=0) == "33 %"


class TestHints:
    def test_nearest_word(self):
        assert did_you_mean("populaton", ["population", "name"]) == "did you mean 'population'?"

    def test_nothing_near_lists_what_there_is_in_order(self):
        assert did_you_mean("zzz", ["b", "a", 3]) == "one of: 3, a, b"

    def test_nothing_at_all(self):
        assert did_you_mean("x", []) == "there are none"
