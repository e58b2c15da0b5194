"""The words for what a person's page shows, in the language of who reads it."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.domain.kinds import Channel, ConsentStatus, EventKind, LegalBasis, SuppressionReason
from consent_service.mailing.rules import MailKind
from consent_service.mailing.words import BOUNCE as BOUNCE
from consent_service.mailing.words import LEFT_OUT as LEFT_OUT
from consent_service.mailing.words import STATE
from consent_service.people.rules import Reported
from consent_service.registrations.rules import RegistrationKind, RegistrationState
from consent_service.surveys.words import MODE

STATUS: dict[ConsentStatus, LazyString] = {
    ConsentStatus.ACTIVE: _l("Active"),
    ConsentStatus.WITHDRAWN: _l("Withdrawn"),
    ConsentStatus.OBJECTED: _l("Objected"),
}

EVENT: dict[EventKind, LazyString] = {
    EventKind.CONFIRMED: _l("Confirmed"),
    EventKind.IMPORTED: _l("Imported"),
    EventKind.WITHDRAWN: _l("Withdrawn"),
    EventKind.OBJECTED: _l("Objected"),
}

CHANNEL: dict[Channel, LazyString] = {
    Channel.FORM: _l("by the form"),
    Channel.LINK: _l("by a link from an e-mail"),
    Channel.ONE_CLICK: _l("by one click in the mail program"),
    Channel.EMAIL: _l("by e-mail"),
    Channel.STAFF: _l("by staff, for the person"),
    Channel.IMPORT: _l("by an import"),
    Channel.SYSTEM: _l("by the service"),
    Channel.PROVIDER: _l("by a report of the mail provider"),
}

BASIS: dict[LegalBasis, LazyString] = {
    LegalBasis.CONSENT: _l("consent, Art. 6(1)(a) GDPR"),
    LegalBasis.CONTRACT: _l("contract, Art. 6(1)(b) GDPR"),
    LegalBasis.LEGAL_OBLIGATION: _l("legal obligation, Art. 6(1)(c) GDPR"),
    LegalBasis.LEGITIMATE_INTEREST: _l("legitimate interest, Art. 6(1)(f) GDPR"),
}

SUPPRESSION: dict[SuppressionReason, LazyString] = {
    SuppressionReason.UNSUBSCRIBED: _l("Unsubscribed"),
    SuppressionReason.BOUNCED: _l("Mail came back or was refused"),
    SuppressionReason.COMPLAINED: _l("Complained"),
    SuppressionReason.ERASED: _l("Erased"),
    SuppressionReason.STAFF: _l("Stopped by staff"),
}

REQUEST: dict[RegistrationKind, LazyString] = {
    RegistrationKind.SIGN_UP: _l("Registration"),
    RegistrationKind.SETTINGS_LINK: _l("Link to the settings"),
    RegistrationKind.SEMINAR: _l("Seminar"),
    RegistrationKind.SURVEY: _l("Survey"),
}

REQUEST_STATE: dict[RegistrationState, LazyString] = {
    RegistrationState.REQUESTED: _l("Just asked for"),
    RegistrationState.AWAITING: _l("Waiting for confirmation"),
    RegistrationState.ANSWERED: _l("Answered"),
    RegistrationState.CONFIRMED: _l("Confirmed"),
    RegistrationState.CANCELLED: _l("Cancelled"),
    RegistrationState.EXPIRED: _l("Expired"),
}

SURVEY_MODE = MODE
MAIL_STATE = STATE

MAIL: dict[MailKind, LazyString] = {
    MailKind.CONFIRMATION: _l("Please confirm"),
    MailKind.ALREADY_CONFIRMED: _l("Already registered"),
    MailKind.SETTINGS_LINK: _l("Link to the settings"),
    MailKind.WELCOME: _l("Welcome"),
    MailKind.SURVEY_LINK: _l("Link to a survey"),
    MailKind.SURVEY_REMINDER: _l("Reminder of a survey"),
    MailKind.TEST: _l("Test mail"),
    MailKind.CAMPAIGN: _l("Campaign"),
    MailKind.FORWARDED: _l("Forwarded reply"),
    MailKind.SEMINAR: _l("About a seminar"),
}

REPORTED: dict[Reported, LazyString] = {
    Reported.PHONE: _l("By phone"),
    Reported.LETTER: _l("By letter"),
    Reported.EMAIL: _l("By e-mail"),
    Reported.IN_PERSON: _l("In person"),
}

EVIDENCE: dict[str, LazyString | str] = {
    "at": _l("When"),
    "form": _l("Form"),
    "ip": _l("IP address"),
    "user_agent": _l("Browser"),
    "language": _l("Language shown"),
    "notice": _l("Privacy notice shown"),
    "wordings": _l("Wordings shown, with SHA-256"),
    "subject": _l("Subject"),
    "to": _l("To"),
    "message_id": _l("Message-ID"),
    "handed_over_at": _l("Handed over on"),
    "server_reply": _l("The server’s reply"),
    "reported": _l("How the person told us"),
    "note": _l("Note"),
    "from": _l("From"),
    "mail": _l("Number of the e-mail"),
    "staff": _l("Recorded by"),
    "source": _l("Source"),
    "import": _l("Import"),
    "id": _l("Number"),
    "file_name": _l("File"),
    "sha256": "SHA-256",
    "line": _l("Line"),
    "address": _l("E-mail address"),
    "imported_by": _l("Decided by"),
    "customer_since": _l("Customer since"),
    "reason": _l("Reason"),
}
