"""The staff pages and the command line of limits."""

import json

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.database import reading, transaction
from consent_service.limits import queries, service
from consent_service.limits.queries import ProviderDetails
from consent_service.limits.rules import Limits
from tests.conftest import STAFF_ADDRESS, run_command
from tests.dns_lookup import dns_server
from tests.driving import hidden, text_of


def provider(name: str) -> ProviderDetails:
    with reading() as session:
        return next(one for one in queries.providers(session) if one.name == name)


def send(client: FlaskClient, form: str, path: str, **fields: str) -> str:
    """Opens the page with the form, sends it, and follows to the page that comes of it; its words."""
    token = hidden(client.get(form).text, "csrf_token")
    return text_of(client.post(path, data={"csrf_token": token, **fields}, follow_redirects=True).text)


def refused(domain: str, code: int, text: str) -> None:
    with transaction() as session:
        service.refused(session, domain, code, text, clock.now())


def done() -> list[tuple[str, str | None, str]]:
    with reading() as session:
        entries = session.execute(sa.select(AuditEntry).where(AuditEntry.action == "limits_changed")).scalars()
        return [(entry.actor, entry.target, entry.details["what"]) for entry in entries]


class TestPages:
    def test_show_the_known_families(self, staff_client: FlaskClient) -> None:
        page = text_of(staff_client.get("/staff/limits/").text)
        assert "gmail.com, googlemail.com" in page
        assert "web.de" in page
        assert page.count("no limit") == 8  # seven families, and ourselves

    def test_limit_a_domain_by_the_provider_that_it_counts_with(self, staff_client: FlaskClient) -> None:
        page = send(
            staff_client, "/staff/limits/new", "/staff/limits/new", name="googlemail.com", per_second="2,5", per_hour=""
        )
        assert "2.5 a second" in page
        assert provider("Gmail").limits == Limits(2.5)
        assert done() == [(STAFF_ADDRESS, "Gmail", "limited")]

    @pytest.mark.parametrize(("typed", "kept"), [("Firma.DE", "firma.de"), ("Müller.de", "xn--mller-kva.de")])
    def test_limit_a_domain_however_it_is_spelled(self, staff_client: FlaskClient, typed: str, kept: str) -> None:
        send(staff_client, "/staff/limits/new", "/staff/limits/new", name=typed, per_second="1")
        with reading() as session:
            assert set(service.apart(session, [kept])) == {kept}

    def test_limit_nobody_where_the_name_is_misspelt(self, staff_client: FlaskClient) -> None:
        page = send(staff_client, "/staff/limits/new", "/staff/limits/new", name="Outlook", per_second="1")
        assert "Enter a domain such as example.org, or a provider's name from the list" in page
        assert "Outlook" not in staff_client.get("/staff/limits/").text
        assert done() == []

    def test_change_and_remove_a_limit(self, staff_client: FlaskClient) -> None:
        path = f"/staff/limits/{provider('Gmail').id}"
        send(staff_client, path, path, per_second="2", per_hour="1000", connections="3")
        assert provider("Gmail").limits == Limits(2, 1000, 3)
        assert 'value="1000"' in staff_client.get(path).text
        send(staff_client, path, path, per_second="", per_hour="", connections="")
        assert provider("Gmail").limits == Limits()

    @pytest.mark.parametrize(
        "fields",
        [{"per_second": "0"}, {"per_second": "fast"}, {"per_hour": "1.5"}, {"connections": "-1"}, {"name": ""}],
        ids=str,
    )
    def test_say_what_is_wrong(self, staff_client: FlaskClient, fields: dict[str, str]) -> None:
        page = send(staff_client, "/staff/limits/new", "/staff/limits/new", **{"name": "example.org", **fields})
        assert "Please check your entries" in page
        assert done() == []

    def test_lift_what_refusals_did(self, staff_client: FlaskClient) -> None:
        refused("gmail.com", 550, "5.7.1 <anna@example.org> says no")
        refused("web.de", 421, "4.7.0 slower")
        overview = text_of(staff_client.get("/staff/").text)
        assert "Campaigns do not go to: Gmail." in overview
        page = text_of(staff_client.get("/staff/limits/").text)
        assert "Its server said 550 5.7.1" in page
        assert "Slowed down to 5 a second" in page
        assert "anna@" not in page
        gmail = provider("Gmail").id
        assert "go to Gmail again" in send(staff_client, "/staff/limits/", f"/staff/limits/{gmail}/lift")
        assert not provider("Gmail").is_held_up
        assert "Campaigns do not go to" not in staff_client.get("/staff/").text
        assert "lifted meanwhile" in send(staff_client, "/staff/limits/", f"/staff/limits/{gmail}/lift")
        assert done() == [(STAFF_ADDRESS, "Gmail", "lifted")]

    def test_pause_a_provider(self, staff_client: FlaskClient) -> None:
        page = send(staff_client, "/staff/limits/", f"/staff/limits/{provider('Gmail').id}/pause")
        assert "Campaigns do not go to Gmail any more." in page
        assert provider("Gmail").paused_at is not None

    def test_limit_ourselves_and_warm_up(self, staff_client: FlaskClient) -> None:
        assert "7 a second" in send(staff_client, "/staff/limits/sender", "/staff/limits/sender", per_second="7")
        wrong = send(staff_client, "/staff/limits/warm-up", "/staff/limits/warm-up", first="50", until="50")
        assert "Enter more e-mails than on the first day" in wrong
        page = send(staff_client, "/staff/limits/warm-up", "/staff/limits/warm-up", first="50", until="400")
        assert "Day 1 of 3: 0 of 50 e-mails" in page
        assert "Begin a warm-up" in send(staff_client, "/staff/limits/", "/staff/limits/warm-up/end")
        assert [what for _, _, what in done()] == ["sender limited", "warm-up begun", "warm-up ended"]


def test_a_domain_counts_with_the_provider_of_its_mail_exchangers(sqlite_url: str) -> None:
    table = {("firma.example", "MX"): ["10 aspmx.l.google.com."], ("own.example", "MX"): ["10 notgoogle.com."]}
    with dns_server.serving(table) as names:
        servers = {"DNS_SERVERS": f"127.0.0.1:{names.port}"}
        run = run_command(sqlite_url, "limits", "look-up", "firma.example", "own.example", "web.de", **servers)
    assert (run.stdout, run.stderr) == (
        "firma.example: Gmail\nown.example: counts for itself\nweb.de: GMX, WEB.DE\n",
        "",
    )
    run = run_command(sqlite_url, "limits", "look-up", "firma.example", **servers)
    assert (run.returncode, run.stdout) == (1, "")
    assert "no name server answers for firma.example" in run.stderr


def test_the_command_line_does_the_same(sqlite_url: str) -> None:
    assert run_command(sqlite_url, "limits", "set", "gmail.com", "--per-second", "2.5").returncode == 0
    assert run_command(sqlite_url, "limits", "warm-up", "--first", "10", "--until", "100").returncode == 0
    shown = json.loads(run_command(sqlite_url, "limits", "show", "--json").stdout)
    assert [(one["provider"], one["per_second"]) for one in shown["providers"]] == [("Gmail", 2.5)]
    assert shown["sender"]["warm_up"] == {"day": 1, "days": 4, "used": 0, "today": 10}
    nothing = run_command(sqlite_url, "limits", "lift", "gmail.com")
    assert (nothing.returncode, nothing.stderr) == (1, "consent-service: Gmail is neither paused nor slowed down\n")


def test_the_command_line_means_the_domain_that_mail_goes_to(sqlite_url: str) -> None:
    assert (
        run_command(sqlite_url, "limits", "assign", "Tochter.DE", "gmail").stderr == "Tochter.DE counts with Gmail.\n"
    )
    assert run_command(sqlite_url, "limits", "set", "tochter.de", "--per-second", "3").stderr == "Gmail: 3 a second\n"
    paused = run_command(sqlite_url, "limits", "pause", "Müller.de")
    assert paused.stderr == "Campaigns do not go to xn--mller-kva.de any more.\n"
    assert run_command(sqlite_url, "limits", "lift", "MÜLLER.de").returncode == 0


def test_the_command_line_refuses_who_is_nobody(sqlite_url: str) -> None:
    nobody = run_command(sqlite_url, "limits", "pause", "Outlook")
    assert (nobody.returncode, nobody.stderr) == (
        1,
        "consent-service: 'Outlook' is neither a domain nor a provider; those are: "
        "GMX, WEB.DE; Gmail; Microsoft; Telekom; Yahoo, AOL; freenet; iCloud\n",
    )
    nowhere = run_command(sqlite_url, "limits", "assign", "Tochter", "Konzern")
    assert (nowhere.returncode, nowhere.stderr) == (1, "consent-service: 'Tochter' is not a domain\n")
