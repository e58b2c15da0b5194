"""Settings: what is missing or wrong is named, secrets come from files, and each variable is documented."""

import re
from pathlib import Path

import pytest

from consent_service import config
from consent_service.config import ConfigurationError, Settings, from_environment
from tests.conftest import environment

SQLITE = "sqlite:////var/lib/consent/consent.db"
DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def _settings(**changed: str) -> Settings:
    return from_environment(environment(SQLITE, **changed))


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in environment(SQLITE).items() if name not in names}


def _variables() -> set[str]:
    """Every variable that the package reads."""
    code = "".join(module.read_text(encoding="utf-8") for module in Path(config.__file__).parent.glob("*.py"))
    calls = re.findall(r'(?:\.\w+\(|\(read,)\s*"([A-Z][A-Z_]+)"', code)
    return {f"CONSENT_{name}" for name in calls if not name.endswith("_FILE")}


def test_every_variable_is_documented() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(CONSENT_[A-Z_]+)`", document, re.MULTILINE))
    assert len(documented) > 20
    assert documented == _variables()


def test_an_empty_environment_names_every_variable_that_is_needed() -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_environment({})
    named = {line.partition(":")[0] for line in str(refused.value).splitlines() if line.endswith("is not set")}
    assert named == {
        "CONSENT_DATABASE_URL",
        "CONSENT_SMTP_URL",
        "CONSENT_BASE_URL",
        "CONSENT_SECRET_KEYS",
        "CONSENT_UNSUBSCRIBE_KEYS",
        "CONSENT_EVIDENCE_KEYS",
        "CONSENT_SUPPRESSION_KEY",
        "CONSENT_ORGANISATION_NAME",
        "CONSENT_ORGANISATION_POSTAL_ADDRESS",
        "CONSENT_ORGANISATION_EMAIL",
        "CONSENT_ORGANISATION_IMPRINT_URL",
        "CONSENT_MAIL_FROM",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://localhost/consent"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///relative.db"),
        ("BASE_URL", "consent.example.org"),
        ("BASE_URL", "http://consent.example.org"),
        ("BASE_URL", "https://example.org/consent"),
        ("SMTP_URL", "imap://mail.example.org"),
        ("SMTP_URL", "smtp://mail.example.org:port"),
        ("SMTP_SECURITY", "perhaps"),
        ("SMTP_CONNECTIONS", "0"),
        ("SMTP_TIMEOUT_SECONDS", "soon"),
        ("LEASE_SECONDS", "8"),
        ("SECRET_KEYS", "short"),
        ("UNSUBSCRIBE_KEYS", f"{'a' * 32} short"),
        ("EVIDENCE_KEYS", "short"),
        ("SUPPRESSION_KEY", "short"),
        ("SUPPRESSION_KEY", f"{'a' * 32} {'b' * 32}"),
        ("ORGANISATION_EMAIL", "nobody"),
        ("ORGANISATION_IMPRINT_URL", "beispiel.example"),
        ("MAIL_FROM", "Beispiel GmbH"),
        ("DKIM", "perhaps"),
        ("BOUNCE_DOMAIN", "bounces@example.org"),
        ("UNSUBSCRIBE_MAILBOX", "nobody"),
        ("UNSUBSCRIBE_MAILBOX", "abmeldung@müller.example"),
        ("INBOUND_LMTP_PORT", "lmtp"),
        ("INBOUND_MEGABYTES", "0"),
        ("INBOUND_CONTENT_DAYS", "never"),
        ("INBOUND_FORWARD_TO", "nobody"),
        ("INBOUND_FORWARD_TO", "newsletter@beispiel.example"),
        ("IMAP_URL", "pop3://mail.example.org"),
        ("IMAP_URL", "imaps://mail.example.org"),
        ("IMAP_URL", "imap://user:password@mail.example.org"),
        ("COMPLAINTS_TO", "nobody"),
        ("WEBHOOK_SES_TOPICS", "my-topic"),
        ("WEBHOOK_POSTMARK_SECRET", "short"),
        ("WEBHOOK_BREVO_SECRET", "short"),
        ("WEBHOOK_MAILJET_SECRET", "short"),
        ("TIME_ZONE", "Europe/Nowhere"),
        ("EMBED_SITES", "https://www.example.org/page"),
        ("TRUSTED_PROXIES", "yes"),
        ("RATE_LIMIT_STORAGE", "floppy://a"),
        ("SIGN_UP_LIMIT", "often"),
        ("CONFIRMATION_DAYS", "0"),
        ("DNS_SERVERS", "dns.example.org"),
        ("DNS_SERVERS", "127.0.0.1:99999"),
        ("SENDING_ADDRESSES", "mail.example.org"),
        ("SPF_INCLUDE", "include:relay.example.net"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _settings(**{name: value})
    assert str(refused.value).splitlines()[0].startswith(f"CONSENT_{name}: ")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{'a' * 40}\n{'b' * 40}\n")
    values = {**_without("CONSENT_SECRET_KEYS"), "CONSENT_SECRET_KEYS_FILE": str(file)}
    assert from_environment(values).secret_keys == ("a" * 40, "b" * 40)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="CONSENT_SECRET_KEYS_FILE"):
        from_environment({**_without("CONSENT_SECRET_KEYS"), "CONSENT_SECRET_KEYS_FILE": str(file)})


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_forms_of_a_postgresql_url(scheme: str) -> None:
    settings = _settings(DATABASE_URL=f"{scheme}://consent:p%40ss@db.example.org:5433/consent?sslmode=verify-full")
    assert settings.database_url == (
        "postgresql+psycopg://consent:p%40ss@db.example.org:5433/consent?sslmode=verify-full"
    )


def test_smtp_urls() -> None:
    smtps = _settings(SMTP_URL="smtps://user:p%40ss@mail.example.org").smtp
    assert (smtps.port, smtps.implicit_tls, smtps.starttls, smtps.user, smtps.password) == (
        465,
        True,
        False,
        "user",
        "p@ss",
    )
    smtp = _settings(SMTP_URL="smtp://mail.example.org:587").smtp
    assert (smtp.port, smtp.implicit_tls, smtp.starttls, smtp.user) == (587, False, True, None)


def test_name_servers_may_name_a_port() -> None:
    dns = _settings(DNS_SERVERS="192.0.2.53 192.0.2.54:5353 2001:db8::53, [2001:db8::53]:5353").dns
    assert dns.servers == (
        ("192.0.2.53", 53),
        ("192.0.2.54", 5353),
        ("2001:db8::53", 53),
        ("2001:db8::53", 5353),
    )
    assert _settings(SENDING_ADDRESSES="2001:DB8:0::1").dns.sending_addresses == ("2001:db8::1",)


def test_cookies_are_secure_behind_https() -> None:
    assert _settings(BASE_URL="https://consent.example.org").flask()["SESSION_COOKIE_SECURE"] is True


def test_imap_urls() -> None:
    imap = _settings(IMAP_URL="imaps://user:p%40ss@mail.example.org/In%20Box").inbound.imap
    assert imap is not None
    assert (imap.port, imap.implicit_tls, imap.user, imap.password) == (993, True, "user", "p@ss")
    assert (imap.folder, imap.done_folder) == ("In Box", "Stored")
    with pytest.raises(ConfigurationError, match="CONSENT_IMAP_DONE_FOLDER"):
        _settings(IMAP_URL="imaps://user:p%40ss@mail.example.org/Stored")
