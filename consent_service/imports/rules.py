"""What is imported, how a file's rows are judged, and what becomes of each. All of it pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from consent_service.domain.addresses import LONGEST_ADDRESS, NormalisedAddress, deliverable, mailbox, normalise
from consent_service.domain.errors import InvalidAddress
from consent_service.domain.kinds import ConsentStatus, Language
from consent_service.domain.names import LONGEST_NAME, tidy

STAGED_FOR = timedelta(days=7)
"""How long a staged import waits for its yes; then its rows are deleted (GDPR Art. 5(1)(e))."""

LONGEST_SOURCE = 200
EARLIEST_DATE = date(1900, 1, 1)


class ImportKind(StrEnum):
    """Customers to write to, or addresses of an older system that must not be written to."""

    CUSTOMERS = "customers"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class ImportState(StrEnum):
    """staging -> staged (dry run done) -> applying -> applied; or discarded."""

    STAGING = "staging"
    STAGED = "staged"
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


class RowResult(StrEnum):
    """What the dry run foresees for a row, and what applying then did; what needs a look comes first.

    Of a list of suppressions, KNOWN are addresses of people whom we write to so far, SUPPRESSED those that
    stand on the list already.
    """

    BAD = "bad"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    KNOWN = "known"
    NEW = "new"


TO_APPLY = (RowResult.NEW, RowResult.KNOWN)


class RowReason(StrEnum):
    """Why a row is bad, or why a good one stays out."""

    BROKEN_QUOTES = "broken_quotes"
    TOO_MANY_CELLS = "too_many_cells"
    NO_ADDRESS = "no_address"
    INVALID_ADDRESS = "invalid_address"
    NAME_TOO_LONG = "name_too_long"
    UNKNOWN_LANGUAGE = "unknown_language"
    NO_CUSTOMER_SINCE = "no_customer_since"
    INVALID_DATE = "invalid_date"
    DATE_IN_FUTURE = "date_in_future"
    NO_SOURCE = "no_source"
    SOURCE_TOO_LONG = "source_too_long"
    ON_SUPPRESSION_LIST = "on_suppression_list"
    HAS_LEFT = "has_left"


class Column(StrEnum):
    """A column that means something to us."""

    EMAIL = "email"
    NAME = "name"
    LANGUAGE = "language"
    CUSTOMER_SINCE = "customer_since"
    SOURCE = "source"


_SPELLINGS = {
    Column.EMAIL: "email emailaddress mail mailaddress emailadresse mailadresse",
    Column.NAME: "name fullname vollständigername customername kundenname",
    Column.LANGUAGE: "language sprache lang",
    Column.CUSTOMER_SINCE: "customersince kundeseit kundinseit kundeinseit",
    Column.SOURCE: "source quelle herkunft",
}
_COLUMN_OF = {spelling: column for column, spellings in _SPELLINGS.items() for spelling in spellings.split()}

_LANGUAGES = {
    Language.GERMAN: "de german deutsch",
    Language.ENGLISH: "en english englisch",
}
_LANGUAGE_OF = {word: language for language, words in _LANGUAGES.items() for word in words.split()}


def column_of(title: str) -> Column | None:
    """Which column a header's cell names, in English or German, whatever its case, hyphens and spaces."""
    return _COLUMN_OF.get("".join(c for c in title.casefold() if c.isalnum()))


def required(kind: ImportKind) -> tuple[Column, ...]:
    """What each row must have. For customers, the evidence that § 7(3) no. 1 UWG asks for as well."""
    if kind is ImportKind.CUSTOMERS:
        return (Column.EMAIL, Column.CUSTOMER_SINCE, Column.SOURCE)
    return (Column.EMAIL,)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: where it begins, and its cells; `broken` where it is not proper CSV."""

    line: int
    cells: Mapping[Column, str]
    broken: RowReason | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A record, judged by itself. `reason` says why it is bad; a good one has an address."""

    line: int
    reason: RowReason | None
    address: str | None
    normalised_address: NormalisedAddress | None = None
    name: str | None = None
    language: Language | None = None
    customer_since: date | None = None
    source: str | None = None


class _Bad(Exception):
    def __init__(self, reason: RowReason) -> None:
        self.reason = reason


def judge(kind: ImportKind, record: Record, today: date) -> Row:
    """What a record says, or why it cannot be used; `today` is the organisation's."""
    written = tidy(record.cells.get(Column.EMAIL))
    try:
        if record.broken is not None:
            raise _Bad(record.broken)
        address, normalised = _address(kind, written)
        if kind is not ImportKind.CUSTOMERS:
            return Row(record.line, None, address, normalised)
        return Row(
            record.line,
            None,
            address,
            normalised,
            name=_text(record, Column.NAME, LONGEST_NAME, RowReason.NAME_TOO_LONG),
            language=_language(record.cells.get(Column.LANGUAGE, "")),
            customer_since=_customer_since(record.cells.get(Column.CUSTOMER_SINCE, ""), today),
            source=_source(record),
        )
    except _Bad as bad:
        return Row(record.line, bad.reason, written[:LONGEST_ADDRESS] if written else None)


def _address(kind: ImportKind, written: str | None) -> tuple[str, NormalisedAddress]:
    """Suppressions are taken in any form that can be compared; customers must be deliverable."""
    if written is None:
        raise _Bad(RowReason.NO_ADDRESS)
    try:
        normalised = deliverable(written) if kind is ImportKind.CUSTOMERS else normalise(written)
        return mailbox(written, normalised), normalised
    except InvalidAddress as error:
        raise _Bad(RowReason.INVALID_ADDRESS) from error


def _text(record: Record, column: Column, longest: int, too_long: RowReason) -> str | None:
    text = tidy(record.cells.get(column))
    if text is not None and len(text) > longest:
        raise _Bad(too_long)
    return text


def _source(record: Record) -> str:
    source = _text(record, Column.SOURCE, LONGEST_SOURCE, RowReason.SOURCE_TOO_LONG)
    if source is None:
        raise _Bad(RowReason.NO_SOURCE)
    return source


def _language(text: str) -> Language:
    """German, the default, where nothing is said; de-AT and en_GB count as German and English."""
    word = text.strip().casefold().replace("_", "-").partition("-")[0]
    if not word:
        return Language.GERMAN
    if word not in _LANGUAGE_OF:
        raise _Bad(RowReason.UNKNOWN_LANGUAGE)
    return _LANGUAGE_OF[word]


def _customer_since(text: str, today: date) -> date:
    """A day as 2024-05-31 or 31.05.2024."""
    text = text.strip()
    if not text:
        raise _Bad(RowReason.NO_CUSTOMER_SINCE)
    day = _day(text)
    if day is None or day < EARLIEST_DATE:
        raise _Bad(RowReason.INVALID_DATE)
    if day > today:
        raise _Bad(RowReason.DATE_IN_FUTURE)
    return day


def _day(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no time zone)
        except ValueError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row; the reason tells why it is bad or stays out."""

    result: RowResult
    reason: RowReason | None = None


def verdict(*, suppressed: bool, known: bool, status: ConsentStatus | None) -> Verdict:
    """What is done with a good row's address as it stands now.

    `suppressed`: a suppression keeps a customer out, or the one that a list asks for stands already. `known`:
    a customer who is written to already, or for a list a person whom we know. `status`: where a customer stands
    for the purpose; the person's own leaving is told before a suppression that came of it.
    """
    if status not in (None, ConsentStatus.ACTIVE):
        return Verdict(RowResult.SUPPRESSED, RowReason.HAS_LEFT)
    if suppressed:
        return Verdict(RowResult.SUPPRESSED, RowReason.ON_SUPPRESSION_LIST)
    return Verdict(RowResult.KNOWN if known else RowResult.NEW)


def add_counts(counts: Mapping[str, int], results: Iterable[RowResult]) -> dict[str, int]:
    """Counts by result, with these added."""
    total = dict(counts)
    for result in results:
        total[result.value] = total.get(result.value, 0) + 1
    return total
