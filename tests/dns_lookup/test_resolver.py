"""Asking a real name server, on loopback: what it says, what it does not, and over TCP where that is too long."""

from collections.abc import Iterator

import pytest

from consent_service.dns_lookup import resolver
from consent_service.dns_lookup.resolver import Resolver
from consent_service.dns_lookup.zone import Answer, Kind
from tests.deliverability.zones import GOOD, in_zone_file
from tests.dns_lookup import dns_server
from tests.dns_lookup.dns_server import Names


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server that knows an example domain."""
    with dns_server.serving(GOOD) as names:
        yield names


def _resolver(names: Names) -> Resolver:
    return Resolver([("127.0.0.1", names.port)])


def test_each_type_in_the_form_that_rules_read(names: Names) -> None:
    names.table["v6.beispiel.example", "AAAA"] = ["2001:db8:0::1"]
    names.table["null.example", "MX"] = ["0 ."]
    ask = _resolver(names)
    assert ask("BEISPIEL.example.", Kind.TXT) == Answer(
        ("google-site-verification=1", "v=spf1 mx include:spf.relay.example ~all")
    )
    assert ask("beispiel.example", Kind.MX) == Answer(("10 mx.beispiel.example",))
    assert ask("null.example", Kind.MX) == Answer(("0 .",))
    assert ask("mx.beispiel.example", Kind.A) == Answer(("192.0.2.25",))
    assert ask("v6.beispiel.example", Kind.AAAA) == Answer(("2001:db8::1",))
    assert ask("1.0.0.127.in-addr.arpa", Kind.PTR) == Answer(("mail.beispiel.example",))


def test_nothing_is_not_the_same_as_no_answer(names: Names) -> None:
    names.refused.add("refused.example")
    ask = _resolver(names)
    assert ask("nowhere.example", Kind.TXT) == Answer()
    assert ask("mx.beispiel.example", Kind.TXT) == Answer()
    assert ask("a..b", Kind.TXT) == Answer()
    assert ask("x" * 64 + ".example", Kind.TXT) == Answer()
    assert ask("refused.example", Kind.TXT) == Answer(failed=True)


def test_a_server_that_is_silent_is_waited_for_no_longer_than_a_question_may_take(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "SECONDS_PER_QUESTION", 0.2)
    names.silent.add("silent.example")
    assert _resolver(names)("silent.example", Kind.TXT) == Answer(failed=True)
    assert 1 <= len(names.asked) <= 2


def test_a_long_answer_comes_over_tcp(names: Names) -> None:
    long = "v=DKIM1; p=" + "A" * 1200
    names.table["long.example", "TXT"] = [in_zone_file(long)]
    assert _resolver(names)("long.example", Kind.TXT) == Answer((long,))
    assert [over for name, _, over in names.asked if name == "long.example"] == ["udp", "tcp"]


def test_what_was_answered_is_kept_for_one_check_only(names: Names) -> None:
    ask = _resolver(names)
    before = ask("mx.beispiel.example", Kind.A)
    names.table["mx.beispiel.example", "A"] = ["192.0.2.99"]
    assert ask("mx.beispiel.example", Kind.A) == before
    assert _resolver(names)("mx.beispiel.example", Kind.A) == Answer(("192.0.2.99",))


def test_nobody_is_asked_once_it_is_time_to_stop(names: Names) -> None:
    ask = Resolver([("127.0.0.1", names.port)], is_stopped=lambda: True)
    assert ask("mx.beispiel.example", Kind.A) == Answer(failed=True)
    assert names.asked == []
