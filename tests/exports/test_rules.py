"""No cell that people typed may run in a spreadsheet."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.exports.rules import guarded

FORMULA = re.compile("[\\s\"'`\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
HOSTILE = st.text(st.sampled_from("=+-@\t\r\n ;,\"'a1ä\u200b\ufeff\uff1d|!()"), max_size=12)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\ttext",
        "\rtext",
        "  =1",
        '"=1',
        "\"' =1",
        "\ufeff=1",
        "\uff1d1",
    ],
)
def test_a_dangerous_beginning_gets_an_apostrophe(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Anna Beispiel", "anna+tag@example.org", "Müller-Lüdenscheidt", "", "O'Hara", "😀"])
def test_harmless_cells_stay_as_they_are(cell: str) -> None:
    assert guarded(cell) == cell


@given(HOSTILE)
def test_no_cell_begins_as_a_formula_however_lines_are_split(text: str) -> None:
    line = io.StringIO()
    csv.writer(line).writerow(["first", guarded(text), "last"])
    cell = next(csv.reader(io.StringIO(line.getvalue(), newline="")))[1]
    for separator in ";,\t":
        for part in cell.split(separator):
            begins = part.lstrip(" ")
            assert not FORMULA.match(part) or begins.startswith("'"), (text, cell)


@given(HOSTILE | st.text())
def test_only_apostrophes_are_added(text: str) -> None:
    assert guarded(text).replace("'", "") == text.replace("'", "")
