"""Reading files: encodings, delimiters, headers, line numbers, and what is wrong with a row."""

import csv
import hashlib
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.domain.kinds import Language
from consent_service.domain.names import LONGEST_NAME, tidy
from consent_service.imports.files import CsvFile, FileProblem, UnreadableFile
from consent_service.imports.rules import Column, ImportKind, Record, Row, RowReason, judge
from tests.imports.driving import HEADER, customer, customers

TODAY = date(2026, 5, 31)


def rows(content: str | bytes, kind: ImportKind = ImportKind.CUSTOMERS) -> list[Row]:
    body = content if isinstance(content, bytes) else content.encode()
    return [judge(kind, record, TODAY) for record in CsvFile(io.BytesIO(body), kind).records()]


def reasons(content: str | bytes, kind: ImportKind = ImportKind.CUSTOMERS) -> list[tuple[int, RowReason | None]]:
    return [(row.line, row.reason) for row in rows(content, kind)]


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    "header",
    [
        "e-mail;name;language;customer since;source",
        "E-Mail-Adresse;Name;Sprache;Kunde seit;Quelle",
        '"E-Mail";"Vollständiger Name";"Sprache";"Kundin seit";"Herkunft"',
    ],
)
def test_spellings_of_header_and_file(mark: str, end: str, header: str) -> None:
    content = mark + end.join([header, "jörg@müller.example.org;Jörg Müßig;de-AT;31.05.2020;Messe", ""])
    row, *rest = rows(content.encode().replace("jörg@".encode(), b"joerg@"))
    assert not rest
    assert row == Row(
        line=2,
        reason=None,
        address="joerg@xn--mller-kva.example.org",
        normalised_address="joerg@xn--mller-kva.example.org",
        name="Jörg Müßig",
        language=Language.GERMAN,
        customer_since=date(2020, 5, 31),
        source="Messe",
    )


def test_columns_in_any_order_beside_others() -> None:
    row = rows("Umsatz,Quelle,Kunde seit,E-Mail\n12,Shop,2020-05-31,anna@example.org\n")[0]
    assert (row.reason, row.address, row.source, row.name) == (None, "anna@example.org", "Shop", None)


def test_list_of_suppressions_needs_only_the_address() -> None:
    assert reasons("email\nanna@example.org\nnot an address\n", ImportKind.BOUNCED) == [
        (2, None),
        (3, RowReason.INVALID_ADDRESS),
    ]


@pytest.mark.parametrize(
    ("content", "problem", "line", "columns"),
    [
        (b"", FileProblem.EMPTY, 1, ()),
        (b"\r\n", FileProblem.EMPTY, 1, ()),
        (b"anna@example.org;Anna\n", FileProblem.MISSING_COLUMN, 1, ("email", "customer_since", "source")),
        (b"e-mail;name\n", FileProblem.MISSING_COLUMN, 1, ("customer_since", "source")),
        (b"e-mail;E-Mail-Adresse;kunde seit;quelle\n", FileProblem.COLUMN_TWICE, 1, ("email",)),
        (b'"e-mail;kunde seit;quelle\n', FileProblem.MISSING_COLUMN, 1, ("email", "customer_since", "source")),
        (b"e-mail;kunde seit;quelle\rold Mac;;", FileProblem.MISSING_COLUMN, 1, ("email", "customer_since", "source")),
        (
            "e-mail,kunde seit,quelle\na@example.org,,\nb@example.org,,Hörsaal\n".encode("latin-1"),
            FileProblem.NOT_UTF8,
            3,
            (),
        ),
        ("e-mail,kunde seit,quelle\n".encode("utf-16"), FileProblem.NOT_UTF8, 1, ()),
    ],
)
def test_files_that_cannot_be_read(content: bytes, problem: FileProblem, line: int, columns: tuple[str, ...]) -> None:
    with pytest.raises(UnreadableFile) as caught:
        rows(content)
    assert (caught.value.problem, caught.value.line, caught.value.columns) == (problem, line, columns)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Anna,de,2020-05-31,Shop", RowReason.NO_ADDRESS),
        ("anna,Anna,de,2020-05-31,Shop", RowReason.INVALID_ADDRESS),
        ("anna@example.org>,Anna,de,2020-05-31,Shop", RowReason.INVALID_ADDRESS),
        (f"anna@example.org,{'x' * 200},de,2020-05-31,Shop", None),
        (f"anna@example.org,{'x' * 201},de,2020-05-31,Shop", RowReason.NAME_TOO_LONG),
        ("anna@example.org,Anna,fr,2020-05-31,Shop", RowReason.UNKNOWN_LANGUAGE),
        ("anna@example.org,Anna,Englisch,2020-05-31,Shop", None),
        ("anna@example.org,Anna,,2020-05-31,Shop", None),
        ("anna@example.org,Anna,de,,Shop", RowReason.NO_CUSTOMER_SINCE),
        ("anna@example.org,Anna,de,31/05/2020,Shop", RowReason.INVALID_DATE),
        ("anna@example.org,Anna,de,2020-02-30,Shop", RowReason.INVALID_DATE),
        ("anna@example.org,Anna,de,0020-05-31,Shop", RowReason.INVALID_DATE),
        ("anna@example.org,Anna,de,2026-05-31,Shop", None),
        ("anna@example.org,Anna,de,2026-06-01,Shop", RowReason.DATE_IN_FUTURE),
        ("anna@example.org,Anna,de,2020-05-31, ", RowReason.NO_SOURCE),
        ("anna@example.org,Anna,de,2020-05-31", RowReason.NO_SOURCE),
        (f"anna@example.org,Anna,de,2020-05-31,{'x' * 201}", RowReason.SOURCE_TOO_LONG),
        ("anna@example.org,Anna,de,2020-05-31,Shop, Berlin", RowReason.TOO_MANY_CELLS),
        ('anna@example.org,"Anna\nBeispiel",de,2020-05-31,Shop', RowReason.BROKEN_QUOTES),
    ],
)
def test_rows(row: str, reason: RowReason | None) -> None:
    assert reasons(customers(row)) == [(2, reason)]


def test_lines_are_counted_past_empty_ones_and_an_open_quotation_mark_hides_nothing() -> None:
    content = customers(
        "",
        customer("anna@example.org"),
        ",,,,",
        'bernd@example.org,"Bernd,de,2020-05-31,Shop',
        customer("carla@example.org", '"Carla"'),
        customer("dora@example.org"),
    )
    assert reasons(content) == [(3, None), (5, RowReason.BROKEN_QUOTES), (7, None)]


def test_names_are_taken_as_written() -> None:
    assert (
        rows(customers(customer("anna@example.org", '"=HYPERLINK(""https://example.org"")"')))[0].name
        == '=HYPERLINK("https://example.org")'
    )


def test_digest_is_that_of_the_file() -> None:
    content = customers(*(customer(f"person{number}@example.org") for number in range(5000))).encode()
    file = CsvFile(io.BytesIO(content), ImportKind.CUSTOMERS)
    assert len(list(file.records())) == 5000
    assert file.sha256 == hashlib.sha256(content).hexdigest()


cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n"), max_size=260)


@given(st.lists(st.tuples(cells, cells), max_size=5), st.sampled_from(",;"))
def test_whatever_is_written_comes_back(people: list[tuple[str, str]], delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(HEADER.split(","))
    for name, source in people:
        writer.writerow(["anna@example.org", name, "en", "2020-05-31", source])
    for row, (name, source) in zip(rows(file.getvalue()), people, strict=True):
        if row.reason is None:
            assert (row.name, row.source) == (tidy(name), tidy(source))
        else:
            assert len(tidy(name) or "") > LONGEST_NAME or not 0 < len(tidy(source) or "") <= 200


@given(st.dictionaries(st.sampled_from(Column), cells), st.sampled_from(ImportKind))
def test_any_row_is_good_and_fits_or_has_a_reason(record: dict[Column, str], kind: ImportKind) -> None:
    row = judge(kind, Record(2, record), TODAY)
    assert (row.reason is None) == (row.normalised_address is not None)
    assert len(row.address or "") <= 254
    assert len(row.name or "") <= 200
    assert len(row.source or "") <= 200
    if kind is ImportKind.CUSTOMERS and row.reason is None:
        assert row.customer_since is not None
        assert row.source
        assert row.language


@given(st.binary(max_size=300))
def test_any_text_is_read_and_anything_else_refused(content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(UnreadableFile, match="not_utf8"):
            rows(b"email\n" + content, ImportKind.BOUNCED)
    else:
        rows(b"email\n" + content, ImportKind.BOUNCED)
