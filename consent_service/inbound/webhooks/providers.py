"""The providers that may report to us, each by its name in the address of its webhook."""

from collections.abc import Mapping

from consent_service.inbound.webhooks import brevo, mailjet, postmark, ses
from consent_service.inbound.webhooks.reports import Read

SES = "ses"
READERS: Mapping[str, Read] = {
    SES: ses.read,
    "postmark": postmark.read,
    "brevo": brevo.read,
    "mailjet": mailjet.read,
}
