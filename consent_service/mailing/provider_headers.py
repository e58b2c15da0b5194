"""Our id of a mail in the headers that mail providers give back with their reports.

They put Message-IDs and envelope senders of their own into what they relay, so that a report names ours by nothing
else. The id is random and names no person; it stands in the Message-ID, too. Amazon SES needs none of this: its
reports hold the envelope sender and the headers that we gave.
"""

import re

from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings
from consent_service.mailing.rules import PROVIDER_FIELD

_ID = re.compile(r"[0-9a-f]{32}")


def head(public_id: PublicId) -> bytes:
    """The header lines to put before a mail's own: one for each provider that may report to us, mostly none."""
    webhooks = settings().webhooks
    lines = b""
    if webhooks.postmark_secrets:
        lines += f"X-PM-Metadata-{PROVIDER_FIELD}: {public_id}\r\n".encode("ascii")
    if webhooks.brevo_secrets:
        lines += f"X-Mailin-custom: {public_id}\r\n".encode("ascii")
    if webhooks.mailjet_secrets:
        lines += f"X-MJ-CustomID: {public_id}\r\n".encode("ascii")
    return lines


def message_of(text: str) -> PublicId | None:
    """The message that a provider gives back the id of; it may not be in our outbox."""
    return PublicId(text) if _ID.fullmatch(text) else None
