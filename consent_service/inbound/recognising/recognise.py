"""The order of the questions: a report is no wish, whatever stands in it; nor is a machine's answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from consent_service.domain.identifiers import PublicId
from consent_service.inbound.parsing import Headers, Mail, all_of
from consent_service.inbound.recognising import automatic, wishes
from consent_service.inbound.recognising.bounces import Report, report
from consent_service.inbound.recognising.complaints import Feedback, feedback
from consent_service.inbound.rules import MailClass

_FEEDBACK_ID = re.compile(r"[0-9a-f]{32}")
Lookup = Callable[[str], PublicId | None]


@dataclass(frozen=True, slots=True)
class Ours:
    """What only we can tell genuine, and what our own addresses are, in lower case."""

    unsubscribe_mailbox: str
    sender: str
    message_of_envelope_sender: Lookup
    message_of_message_id: Lookup
    link_of_token: Lookup

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses that people write to."""
        return frozenset({self.unsubscribe_mailbox, self.sender})


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a mail is. The message is one of ours that it is about, the link what a genuine token names.

    may_be_wish: a person wrote it to where one asks to leave, so their words count (`wishes.is_clear_wish`).
    may_be_newsletter: it has a list's marks; nobody's concern unless it answers us or is from somebody whom we know.
    """

    mail_class: MailClass
    message: PublicId | None = None
    link: PublicId | None = None
    report: Report | None = None
    may_be_wish: bool = False
    may_be_newsletter: bool = False


def recognise(mail: Mail, ours: Ours) -> Recognised:
    """What a mail is; a wish in words is unclear until it is known who wrote it."""
    complaint = feedback(mail)
    if complaint is not None:
        return _feedback(mail, complaint, ours)
    bounce = report(mail)
    if bounce is not None:
        return Recognised(MailClass.BOUNCE, _message(mail, ours), report=bounce)
    link = _mailto_link(mail, ours)
    if link is not None:
        return Recognised(MailClass.UNSUBSCRIBE, link=link)
    at_envelope_sender = _by_envelope(mail, ours)
    message = at_envelope_sender or _answered(mail, ours)
    if automatic.is_daemon(mail) and not automatic.is_answer(mail):
        return Recognised(MailClass.UNCLEAR, message)
    # Responders answer to the envelope sender (RFC 3834 section 4), people to From.
    if automatic.is_automatic(mail) or (at_envelope_sender is not None and automatic.may_be_automatic(mail)):
        return Recognised(MailClass.AUTOMATIC, message)
    if automatic.may_be_automatic(mail):
        is_newsletter = automatic.is_to_many(mail) and not wishes.is_in_subject(mail)
        return Recognised(MailClass.UNCLEAR, message, may_be_newsletter=is_newsletter)
    link = next((named for token in wishes.tokens(mail) if (named := ours.link_of_token(token))), None)
    if link is not None:
        return Recognised(MailClass.UNSUBSCRIBE, message, link)
    may_be_wish = _may_be_wish(mail, ours)
    return Recognised(MailClass.UNCLEAR if may_be_wish else MailClass.REPLY, message, may_be_wish=may_be_wish)


def _feedback(mail: Mail, found: Feedback, ours: Ours) -> Recognised:
    message = ours.message_of_envelope_sender(found.original_sender) or _message(mail, ours)
    link = _link_of(mail.returned, ours) if mail.returned is not None else None
    return Recognised(MailClass.COMPLAINT if found.is_complaint else MailClass.UNCLEAR, message, link)


def _link_of(returned: Headers, ours: Ours) -> PublicId | None:
    """What the one-click link in the headers of our own mail names."""
    for value in all_of(returned, "List-Unsubscribe"):
        for uri in value.split(","):
            link = ours.link_of_token(uri.strip("<> ").rpartition("/")[2])
            if link is not None:
                return link
    return None


def _mailto_link(mail: Mail, ours: Ours) -> PublicId | None:
    """Mail programs follow a mailto without a person's hand, and some say so (Auto-Submitted): still a wish.

    A responder's answer has another subject than ours, or calls itself a reply (RFC 3834 section 5).
    """
    token = wishes.mailto_token(mail.subject)
    if token is None or automatic.is_answer(mail) or automatic.is_daemon(mail):
        return None
    return ours.link_of_token(token)


def _may_be_wish(mail: Mail, ours: Ours) -> bool:
    """At the mailbox for leaving everything may be one; at one for all purposes, what speaks of it."""
    if ours.unsubscribe_mailbox not in mail.recipients:
        return False
    return ours.unsubscribe_mailbox != ours.sender or wishes.sounds_like_wish(mail)


def _message(mail: Mail, ours: Ours) -> PublicId | None:
    """The message that a report is about: by the signed address, else by the headers of the returned part."""
    return _by_envelope(mail, ours) or _by_returned(mail, ours)


def _by_envelope(mail: Mail, ours: Ours) -> PublicId | None:
    found = (ours.message_of_envelope_sender(address) for address in mail.recipients)
    return next((message for message in found if message is not None), None)


def _by_returned(mail: Mail, ours: Ours) -> PublicId | None:
    if mail.returned is None:
        return ours.message_of_message_id(mail.text)
    for value in all_of(mail.returned, "Return-Path"):
        message = ours.message_of_envelope_sender(value.strip("<> "))
        if message is not None:
            return message
    for value in all_of(mail.returned, "CFBL-Feedback-ID"):
        if _FEEDBACK_ID.fullmatch(value.strip()):
            return PublicId(value.strip())
    named = all_of(mail.returned, "Message-ID")
    return next((message for value in named if (message := ours.message_of_message_id(value))), None)


def _answered(mail: Mail, ours: Ours) -> PublicId | None:
    """The message that an answer is to."""
    return ours.message_of_message_id(mail.header("In-Reply-To") + " " + mail.header("References"))
