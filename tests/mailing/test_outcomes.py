"""What a server's answer says: its queue id in the forms that real servers use, and why a message failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.mailing.outcomes import (
    BEGINNING,
    MAY_GO_AGAIN,
    STATES,
    FailureKind,
    failure_kind,
    outcome_of,
    queue_id,
)
from consent_service.mailing.rules import ADDRESS_IS_GONE, MessageState, pause_before_count

ANSWERS = {
    "250 2.0.0 Ok: queued as 4F1C52A0B3": "4F1C52A0B3",  # Postfix
    "250 2.0.0 Ok: queued as 4cKz7q1Dx9zPlNl": "4cKz7q1Dx9zPlNl",  # Postfix, enable_long_queue_ids
    "250 OK: queued as 12345.": "12345",
    "250 OK queued as 5f8c1e66-1d3a-4f5e-a1b2-0c9d8e7f6a5b": "5f8c1e66-1d3a-4f5e-a1b2-0c9d8e7f6a5b",  # Mailjet
    "250 Ok: queued as QW3rTyUiQ0-ZxCvBnM_8Lg": "QW3rTyUiQ0-ZxCvBnM_8Lg",  # SendGrid
    "250 2.0.0 OK: queued as <202611280147.3f9ad2@smtp-relay.mailin.fr>": "202611280147.3f9ad2@smtp-relay.mailin.fr",
    "250 OK id=1rT2ab-0003xY-2Z": "1rT2ab-0003xY-2Z",  # Exim
    "250 OK id=1tGmZq-00000006nRl-2jKd": "1tGmZq-00000006nRl-2jKd",  # Exim since 4.97
    "250 Requested mail action okay, completed: id=0LaTx3-1iMxyz0": "0LaTx3-1iMxyz0",  # GMX, WEB.DE
    "250 2.0.0 x9CLr0lB012345 Message accepted for delivery": "x9CLr0lB012345",  # Sendmail
    "250 2.0.0 4f1c2b3d Message accepted for delivery": "4f1c2b3d",  # OpenSMTPD
    "250 2.6.0 <5d1f@host.example> [InternalId=98758049922, Hostname=AM0PR08MB1234.eurprd08.prod.outlook.com] "
    "12915 bytes in 0.193, 65.012 KB/sec Queued mail for delivery": "98758049922",  # Microsoft 365
    "250 2.0.0 OK  1764294451 5b1f17b1804b1-4771a3d0c5esi123.45 - gsmtp": "5b1f17b1804b1-4771a3d0c5esi123.45",  # Google
    "250 Ok 0102018c7f8e1a2b-3c4d5e6f-7081-92a3-b4c5-d6e7f8091a2b-000000": (  # Amazon SES
        "0102018c7f8e1a2b-3c4d5e6f-7081-92a3-b4c5-d6e7f8091a2b-000000"
    ),
    "250 ok 1764294451 qp 20711": "20711",  # qmail
    "250 Message Queued (8C7D0E2A-1B3C-4D5E-9F60-718293A4B5C6.1)": "8C7D0E2A-1B3C-4D5E-9F60-718293A4B5C6.1",  # Haraka
    "250 2.0.0 Message queued with id 1a2b3c4d5e6f.": "1a2b3c4d5e6f",  # Stalwart
    "250 2.0.0 OK 5F/34-12345-ABCDEF67": "5F/34-12345-ABCDEF67",  # SparkPost
    "250 2.0.0 Ok": None,
    "250 OK": None,
    "250 Queued (0.123 seconds)": None,  # hMailServer
    "250 2.6.0 message received": None,
    "250 2.0.0 Message accepted for delivery": None,
    "250 Great success": None,
    "550 5.7.1 Rejected, id=1rT2ab-0003xY-2Z": None,
    "-1 connection lost: TimeoutError: timed out": None,
    "cannot be composed: KeyError": None,
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.items())
def test_the_queue_id_of_real_answers(answer: str, expected: str | None) -> None:
    assert queue_id(answer) == expected


@given(st.text())
def test_any_answer_can_be_read(text: str) -> None:
    found = queue_id(f"250 {text}")
    assert found is None or found in text
    assert failure_kind(text[:BEGINNING]) is failure_kind(text)
    assert failure_kind(f"550 {text}"[:BEGINNING]) is failure_kind(f"550 {text}")


FAILURES = {
    "550 5.7.1 Message rejected": FailureKind.POLICY,
    "550 5.7.509 Access denied": FailureKind.POLICY,
    "554 5.7.26 unauthenticated\n5.7.26 mail": FailureKind.POLICY,
    "552 5.2.2 Mailbox full": FailureKind.REFUSED,
    "554 Transaction failed": FailureKind.REFUSED,
    "550 5.7.1x": FailureKind.REFUSED,
    "451 4.7.1 Try again later": FailureKind.TOO_LONG,
    "-1 connection lost: TimeoutError: timed out": FailureKind.TOO_LONG,
    "cannot be composed: KeyError": FailureKind.NOT_COMPOSED,
    None: FailureKind.ERASED,
    **{f"550 {status} no such user": FailureKind.GONE for status in ADDRESS_IS_GONE},
}


@pytest.mark.parametrize(("answer", "expected"), FAILURES.items())
def test_why_a_message_failed(answer: str | None, expected: FailureKind) -> None:
    assert failure_kind(answer and answer[:BEGINNING]) is expected


def test_nobody_gone_goes_again_and_every_state_has_one_outcome() -> None:
    assert not {FailureKind.GONE, FailureKind.ERASED} & set(MAY_GO_AGAIN)
    assert sorted(state for states in STATES.values() for state in states) == sorted(MessageState)
    assert all(state in STATES[outcome_of(state)] for state in MessageState)


@given(st.integers(0, 10**8))
def test_counting_takes_little_of_the_time_however_many_there_are(messages: int) -> None:
    pause = pause_before_count(messages).total_seconds()
    assert pause >= max(1, messages / 100_000)
    assert pause <= max(1, messages / 50_000)
