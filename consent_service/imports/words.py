"""The words for kinds, states, results and reasons, in the language of who reads them."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.imports.files import FileProblem, UnreadableFile
from consent_service.imports.rules import Column, ImportKind, ImportState, RowReason, RowResult

KIND: dict[ImportKind, LazyString] = {
    ImportKind.CUSTOMERS: _l("Customers"),
    ImportKind.UNSUBSCRIBED: _l("Unsubscribed addresses"),
    ImportKind.BOUNCED: _l("Bounced addresses"),
    ImportKind.COMPLAINED: _l("Addresses that complained"),
}

STATE: dict[ImportState, LazyString] = {
    ImportState.STAGING: _l("Being read"),
    ImportState.STAGED: _l("Waiting for your decision"),
    ImportState.APPLYING: _l("Being imported"),
    ImportState.APPLIED: _l("Imported"),
    ImportState.DISCARDED: _l("Discarded"),
}

STATE_TONE = {
    ImportState.STAGING: "info",
    ImportState.STAGED: "warning",
    ImportState.APPLYING: "info",
    ImportState.APPLIED: "success",
    ImportState.DISCARDED: "",
}

_RESULT: dict[RowResult, LazyString] = {
    RowResult.BAD: _l("Bad rows"),
    RowResult.DUPLICATE: _l("Duplicates in the file"),
    RowResult.SUPPRESSED: _l("Stay out"),
    RowResult.KNOWN: _l("Known already"),
    RowResult.NEW: _l("New"),
}

_RESULT_OF_LIST: dict[RowResult, LazyString] = {
    **_RESULT,
    RowResult.SUPPRESSED: _l("On the list already"),
    RowResult.KNOWN: _l("People known here"),
    RowResult.NEW: _l("Unknown addresses"),
}

REASON: dict[RowReason, LazyString] = {
    RowReason.BROKEN_QUOTES: _l("A quotation mark is not closed, or a cell has a line break"),
    RowReason.TOO_MANY_CELLS: _l("The row has more cells than the header"),
    RowReason.NO_ADDRESS: _l("The e-mail address is missing"),
    RowReason.INVALID_ADDRESS: _l("This is not an e-mail address"),
    RowReason.NAME_TOO_LONG: _l("The name has more than 200 characters"),
    RowReason.UNKNOWN_LANGUAGE: _l("The language is neither German (de) nor English (en)"),
    RowReason.NO_CUSTOMER_SINCE: _l("The date since when they are a customer is missing"),
    RowReason.INVALID_DATE: _l("The date is not of the form 2024-05-31 or 31.05.2024"),
    RowReason.DATE_IN_FUTURE: _l("The date is in the future"),
    RowReason.NO_SOURCE: _l("The source is missing"),
    RowReason.SOURCE_TOO_LONG: _l("The source has more than 200 characters"),
    RowReason.ON_SUPPRESSION_LIST: _l("On the suppression list"),
    RowReason.HAS_LEFT: _l("Has objected or withdrawn"),
}

COLUMN: dict[Column, LazyString] = {
    Column.EMAIL: _l("E-mail"),
    Column.NAME: _l("Name"),
    Column.LANGUAGE: _l("Language"),
    Column.CUSTOMER_SINCE: _l("Customer since"),
    Column.SOURCE: _l("Source"),
}


def result(kind: ImportKind, value: RowResult) -> LazyString:
    """What a row's result is called for this kind of import."""
    return (_RESULT if kind is ImportKind.CUSTOMERS else _RESULT_OF_LIST)[value]


def file_problem(error: UnreadableFile) -> str:
    """Why a file cannot be read, and what to do about it."""
    columns = ", ".join(str(COLUMN[column]) for column in error.columns)
    match error.problem:
        case FileProblem.EMPTY:
            text = _("The file is empty, or its first line is")
        case FileProblem.NOT_UTF8:
            text = _("Line %(line)d is not in UTF-8. In Excel, save the file as “CSV UTF-8”", line=error.line)
        case FileProblem.MISSING_COLUMN:
            text = _("The first line must name these columns too: %(columns)s", columns=columns)
        case FileProblem.COLUMN_TWICE:
            text = _("The first line names a column twice: %(columns)s", columns=columns)
    return str(text)
