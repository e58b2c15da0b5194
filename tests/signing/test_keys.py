"""The life of a key, at the command line: made, published, signing, replaced, retired."""

import json
from collections.abc import Iterator
from datetime import timedelta

import dns.rrset
import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import load_der_public_key
from flask import Flask
from flask.cli import ScriptInfo

from consent_service import clock
from consent_service.application import create_app
from consent_service.audit.models import AuditEntry
from consent_service.cli import commands
from consent_service.config import from_environment
from consent_service.database import reading
from consent_service.domain.errors import NotFound, Refused
from consent_service.encryption import CannotDecrypt
from consent_service.extensions import database
from consent_service.signing import service
from consent_service.signing.models import DkimKey
from tests.conftest import environment, run_command
from tests.deliverability.zones import in_zone_file
from tests.dns_lookup import dns_server
from tests.dns_lookup.dns_server import Names
from tests.driving import Mailbox
from tests.mailing.campaigning import service as running
from tests.signing.verifying import DOMAIN


def run(app: Flask, *arguments: str) -> Result:
    """A command in this process, so that it sees the test's name server and clock."""
    return CliRunner().invoke(commands, ["dkim", *arguments], obj=ScriptInfo(create_app=lambda: app))


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server that knows nothing yet."""
    with dns_server.serving({}) as names:
        yield names


@pytest.fixture
def app_that_asks(database_url: str, names: Names) -> Iterator[Flask]:
    """The application, whose settings name our name server, and in whose context the test runs."""
    app = create_app(from_environment(environment(database_url, DNS_SERVERS=f"127.0.0.1:{names.port}")))
    with app.app_context():
        yield app
        database.session.remove()
        database.engine.dispose()


def states() -> dict[str, str]:
    """Each key's state, by its selector."""
    with reading() as session:
        return {key.selector: key.state.value for key in session.execute(sa.select(DkimKey)).scalars()}


def test_create_shows_the_records_to_publish(database_url: str) -> None:
    made = run_command(database_url, "dkim", "create")
    assert made.returncode == 0
    assert "consent-service dkim activate" in made.stderr
    shown = json.loads(run_command(database_url, "dkim", "show", "--json").stdout)
    assert [(key["algorithm"], key["state"], key["domain"]) for key in shown] == [
        ("rsa", "prepared", DOMAIN),
        ("ed25519", "prepared", DOMAIN),
    ]
    for key, line in zip(shown, made.stdout.splitlines(), strict=True):
        record = key["record"]
        assert record["name"] == f"{key['selector']}._domainkey.{DOMAIN}"
        assert record["value"].startswith(f"v=DKIM1; k={key['algorithm']}; p=")
        assert "".join(record["strings"]) == record["value"]
        assert max(map(len, record["strings"])) <= 255
        assert line.startswith(f"{record['name']}. IN TXT ")
        assert all(f'"{string}"' in line for string in record["strings"])
    zone = dns.rrset.from_text("x.", 60, "IN", "TXT", made.stdout.splitlines()[0].partition(" IN TXT ")[2].strip("( )"))
    assert b"".join(zone[0].strings).decode() == shown[0]["record"]["value"]


def test_a_key_signs_once_its_record_is_published(app_that_asks: Flask, names: Names) -> None:
    app = app_that_asks
    assert run(app, "create").exit_code == 0
    rows = json.loads(run(app, "show", "--json").stdout)
    rsa, ed25519 = (row["record"] for row in rows)
    ours = (ed25519["name"], "TXT")
    names.table[rsa["name"], "TXT"] = [in_zone_file(rsa["value"])]
    refused = run(app, "activate")
    assert isinstance(refused.exception, Refused)
    assert str(refused.exception).splitlines()[:-1] == [f"{ed25519['name']}: there is no TXT record"]
    names.table[ours] = [in_zone_file("v=DKIM1; k=ed25519; p=AAAA")]
    assert "is another" in str(run(app, "activate").exception)
    names.table[ours] = [in_zone_file(ed25519["value"]), in_zone_file("something else")]
    assert "2 TXT records" in str(run(app, "activate").exception)
    assert set(states().values()) == {"prepared"}
    names.table[ours] = [f'"v=DKIM1;k=ed25519; t=s;" " {ed25519["value"].rpartition(" ")[2]}"']
    assert run(app, "activate").exit_code == 0
    assert set(states().values()) == {"signing"}


def test_a_name_server_that_is_away_activates_nothing(app_that_asks: Flask, names: Names) -> None:
    run(app_that_asks, "create", "--algorithm", "ed25519")
    [selector] = states()
    names.refused.add(f"{selector}._domainkey.{DOMAIN}")
    assert "does not answer" in str(run(app_that_asks, "activate").exception)
    assert set(states().values()) == {"prepared"}


def test_rotation(app: Flask) -> None:
    with time_machine.travel(clock.now() - timedelta(days=30)):
        run(app, "create")
        run(app, "activate", "--now")
        first = list(states())
    run(app, "rotate")
    second = [selector for selector in states() if selector not in first]
    assert [states()[selector] for selector in first + second] == ["signing"] * 2 + ["prepared"] * 2
    assert "new keys already" in str(run(app, "rotate").exception)
    run(app, "activate", "--now")
    assert [states()[selector] for selector in first + second] == ["replaced"] * 2 + ["signing"] * 2
    assert "may still be under way" in str(run(app, "retire", first[0]).exception)
    with time_machine.travel(clock.now() + timedelta(days=8)):
        assert run(app, "retire", first[0]).exit_code == 0
    assert run(app, "retire", first[1], "--now").exit_code == 0
    assert [states()[selector] for selector in first] == ["retired"] * 2
    with reading() as session:
        kept = session.execute(sa.select(DkimKey.selector).where(DkimKey.private_key.is_not(None))).scalars().all()
        told = session.execute(sa.select(AuditEntry.target, AuditEntry.details).where(AuditEntry.target == first[0]))
        assert [details["became"] for _, details in told] == ["prepared", "signing", "replaced", "retired"]
    assert kept == second
    shown = run(app, "show").stdout
    assert f"; {first[0]}: retired" in shown
    assert f"{first[0]}._domainkey" not in shown


def test_a_selector_is_never_given_out_twice(app: Flask) -> None:
    for _ in range(3):
        run(app, "create", "--algorithm", "ed25519")
        run(app, "retire", list(states())[-1])
    first, second, third = states()
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_what_does_not_fit_the_state_is_refused(app: Flask) -> None:
    for arguments, error in (
        (["rotate"], Refused),
        (["activate"], Refused),
        (["retire", "nobody"], NotFound),
        (["create", "--domain", "a b"], Refused),
    ):
        assert isinstance(run(app, *arguments).exception, error)
    run(app, "create")
    assert isinstance(run(app, "create").exception, Refused)
    assert len(states()) == 2


def test_other_domains_have_keys_of_their_own(app: Flask) -> None:
    run(app, "create", "--domain", "Bücher.example")
    assert json.loads(run(app, "show", "--json").stdout) == []
    shown = json.loads(run(app, "show", "--json", "--domain", "xn--bcher-kva.example").stdout)
    assert [key["domain"] for key in shown] == ["xn--bcher-kva.example"] * 2


def test_a_private_key_lies_encrypted_and_bound_to_its_row(app: Flask) -> None:
    run(app, "create")
    with reading() as session:
        rsa, ed25519 = session.execute(sa.select(DkimKey).order_by(DkimKey.id)).scalars()
    for key in (rsa, ed25519):
        with pytest.raises(ValueError, match="deserialize"):
            load_der_public_key(key.private_key)
    with pytest.raises(CannotDecrypt):
        service._signer(("evidence-" + "0123456789abcdef" * 2,), DOMAIN, ed25519.selector, rsa.private_key)


def test_the_worker_does_not_start_without_a_key_to_sign_with(sqlite_url: str, mailbox: Mailbox) -> None:
    refused = run_command(sqlite_url, "worker", smtp_port=mailbox.port, DKIM="service")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("consent-service: CONSENT_DKIM: no key signs for beispiel")
    checked = run_command(sqlite_url, "check", "--json", smtp_port=mailbox.port, DKIM="service")
    assert [row["what"] for row in json.loads(checked.stdout) if row["problem"]] == ["dkim"]
    run_command(sqlite_url, "dkim", "create")
    run_command(sqlite_url, "dkim", "activate", "--now")
    assert run_command(sqlite_url, "check", smtp_port=mailbox.port, DKIM="service").returncode == 0


def test_the_last_key_that_signs_is_not_taken_away(sqlite_url: str) -> None:
    with running(sqlite_url, 1, DKIM="service") as app:
        run(app, "create")
        run(app, "activate", "--now")
        assert "signs; replace it first" in str(run(app, "retire", next(iter(states())), "--now").exception)
        assert set(states().values()) == {"signing"}
