"""From a campaign's words to its mail: Markdown to HTML and text, in the layout that shows the way out.

Markdown is rendered without raw HTML, and what comes out is cleaned once more. Nothing counts opens and no
link is rewritten.
"""

from datetime import datetime
from functools import partial
from html import escape

import nh3
from flask import url_for
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup

from consent_service import links
from consent_service.campaigns.plain_text import readable
from consent_service.campaigns.rules import Words
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language, LegalBasis
from consent_service.extensions import settings
from consent_service.mailing import composition, copies, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, Person, Slot, Template, Text, placeholder
from consent_service.notice.queries import Wording

EXAMPLE_NAME = "Anna Beispiel"
_REASONS = {
    LegalBasis.CONSENT: _l(
        "You get this e-mail because you registered for “%(title)s” and confirmed it."
        " You can withdraw that at any time."
    ),
    LegalBasis.LEGITIMATE_INTEREST: _l(
        "You get this e-mail because you are a customer of %(organisation)s: the law lets a company write to its"
        " customers about similar products of its own (section 7(3) UWG, the German Act against Unfair Competition)."
        " You can object at any time, at no cost other than the basic rates for sending the objection."
    ),
    LegalBasis.CONTRACT: _l("You get this e-mail because your contract with %(organisation)s needs it: %(title)s."),
    LegalBasis.LEGAL_OBLIGATION: _l(
        "You get this e-mail because the law obliges %(organisation)s to send it: %(title)s."
    ),
}
_markdown = MarkdownIt("commonmark", {"html": False})
_clean = partial(
    nh3.clean,
    tags={
        *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li"),
        *("em", "strong", "code", "pre", "a", "img"),
    },
    attributes={"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}},
    url_schemes={"https", "http", "mailto", "tel"},
    link_rel=None,
)


def to_html(body: str) -> str:
    """A body's Markdown as safe HTML."""
    return str(_clean(_markdown.render(body)))


def to_text(body: str) -> str:
    """A body's Markdown as plain text."""
    return readable(SyntaxTreeNode(_markdown.parse(body)))


def reason(wording: Wording, language: Language) -> str:
    """Why a person gets the mail, by the purpose's legal basis."""
    with force_locale(language.value):
        sentence = str(_REASONS[wording.basis])
    return sentence % {"title": wording.title(language), "organisation": settings().organisation.name}


def mailing_text(campaign: PublicId, wording: Wording, language: Language, words: Words) -> MailingText:
    """A campaign's mailing in one language, with its placeholders and the slots for leaving."""
    sender = mailing.sender()
    return MailingText(
        sender=sender,
        list_title=wording.title(language),
        list_identifier=f"{wording.code}.{settings().host}",
        feedback_id=composition.feedback_id(campaign, wording.code, sender),
        text=_text(wording, language, words),
    )


def _text(wording: Wording, language: Language, words: Words) -> Text:
    return rendering.render(
        "mail/campaign",
        language,
        words.subject,
        body_html=Markup(to_html(words.body)),  # noqa: S704 (cleaned)
        body_text=to_text(words.body),
        reason=reason(wording, language),
        unsubscribe=placeholder(Slot.UNSUBSCRIBE),
        settings=placeholder(Slot.SETTINGS),
    )


def _example(language: Language, address: str, message_id: str) -> Person:
    """A recipient who is nobody: their unsubscribe link ends nothing."""
    with force_locale(language.value):
        ask = settings().base_url + url_for("preferences.ask", lang=language.value, _external=False)
    return Person(
        address=address,
        name=EXAMPLE_NAME,
        greeting=copies.greeting(language, EXAMPLE_NAME),
        settings_url=ask,
        way_out=copies.way_out(links.TEST_MAIL),
        message_id=message_id,
    )


def preview(wording: Wording, language: Language, words: Words) -> Text:
    """The mail as an example person would read it."""
    text = _text(wording, language, words)
    values = composition.slot_values(_example(language, "anna@example.org", "<preview@example.org>"))
    return Text(
        subject=composition.fill_text(text.subject, values.__getitem__),
        plain=composition.fill_text(text.plain, values.__getitem__),
        html=composition.fill_text(text.html, lambda slot: escape(values[slot])),
    )


def test_mail(mailing_text: MailingText, language: Language, address: str, message_id: str, at: datetime) -> bytes:
    """The whole mail to a member of staff, with every header of the real one; `at` is aware."""
    template = Template.parse(mailing_text.text.subject, composition.template(mailing_text))
    return template.fill(_example(language, address, message_id), at)
