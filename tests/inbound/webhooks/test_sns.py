"""Signatures of Amazon SNS: both versions verify, and nothing that was changed or comes from elsewhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.inbound.webhooks.amazon import fetch
from consent_service.inbound.webhooks.sns import is_genuine, is_of_sns
from tests.inbound.webhooks.signing import CERTIFICATE_URL, SUBSCRIBE_URL, certificate, confirmation, notification

NOW = datetime.now(UTC)
MESSAGES = {
    f"{name} {version}": message
    for version in ("1", "2")
    for name, message in {
        "notification": notification({"eventType": "Bounce"}, version),
        "with a subject": notification({"eventType": "Bounce"}, version, Subject="Amazon SES Email Event – ü"),
        "confirmation": confirmation(version),
    }.items()
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_amazon_signed_is_genuine(message: dict[str, str]) -> None:
    assert is_genuine(message, certificate(), NOW)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_every_field_counts(message: dict[str, str]) -> None:
    untouched = {"SigningCertURL", "UnsubscribeURL"}
    for name in set(message) - untouched:
        for changed in ({**message, name: message[name] + "x"}, {**message, name: None}, {**message, name: 1}):
            assert not is_genuine(changed, certificate(), NOW), name
    assert not is_genuine(
        {**message, "SignatureVersion": "1" if message["SignatureVersion"] == "2" else "2"}, certificate(), NOW
    )


def test_a_certificate_that_is_over_or_none() -> None:
    message = notification({})
    for broken in (certificate(days=0), b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        assert not is_genuine(message, broken, NOW)


@given(st.dictionaries(st.sampled_from([*notification({}), "Token"]), st.text() | st.none() | st.integers()))
def test_nothing_else_is_genuine(message: dict[str, object]) -> None:
    assert not is_genuine(message, certificate(), NOW)


@pytest.mark.parametrize(
    "url", [CERTIFICATE_URL, SUBSCRIBE_URL, "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"]
)
def test_addresses_of_sns(url: str) -> None:
    assert is_of_sns(url)


FOREIGN = [
    "http://sns.eu-central-1.amazonaws.com/a.pem",
    "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
    "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
    "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
    "https://user@sns.eu-central-1.amazonaws.com/a.pem",
    "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
    "https://s3.eu-central-1.amazonaws.com/sns/a.pem",
    "https://sns.evil.s3.amazonaws.com/a.pem",
    "https://sns.eu-central-1.amazonaws.com\\@evil.example/a.pem",
    "https://[sns.eu-central-1.amazonaws.com/",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_other_addresses_are_not_fetched(url: str) -> None:
    assert not is_of_sns(url)
    with pytest.raises(ValueError, match="not an address"):
        fetch(url)
