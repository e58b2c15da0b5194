"""Typed identifiers, so that a person's id cannot pass for a purpose's."""

import secrets
from typing import NewType

SubjectId = NewType("SubjectId", int)
PurposeId = NewType("PurposeId", int)
PurposeVersionId = NewType("PurposeVersionId", int)
NoticeId = NewType("NoticeId", int)
DataKeyId = NewType("DataKeyId", int)
ConsentEventId = NewType("ConsentEventId", int)
RegistrationId = NewType("RegistrationId", int)
MailingId = NewType("MailingId", int)
MessageId = NewType("MessageId", int)
CampaignId = NewType("CampaignId", int)
StaffId = NewType("StaffId", int)
SurveyId = NewType("SurveyId", int)
SeminarId = NewType("SeminarId", int)
SeminarDateId = NewType("SeminarDateId", int)
SeminarNoticeId = NewType("SeminarNoticeId", int)
SeatId = NewType("SeatId", int)
InboundId = NewType("InboundId", int)
ProviderId = NewType("ProviderId", int)

PublicId = NewType("PublicId", str)
"""A random 128-bit identifier, 32 hexadecimal digits: what links and pages name in place of a row number."""


def new_public_id() -> PublicId:
    """A fresh random identifier that nobody can guess."""
    return PublicId(secrets.token_hex(16))
