"""Signed links: each use refuses the others', keyrings rotate, and nothing personal stands in them (design I7)."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from consent_service import clock, links, tokens
from consent_service.application import create_app
from consent_service.config import Settings, from_environment
from consent_service.domain.errors import InvalidLink
from consent_service.domain.identifiers import PublicId, new_public_id
from consent_service.links import Use
from tests.conftest import environment

SOMEBODY = PublicId("00112233445566778899aabbccddeeff")


@pytest.fixture
def app(sqlite_url: str) -> Flask:
    """An application; links need no more than its settings."""
    return create_app(from_environment(environment(sqlite_url)))


def _with(app: Flask, **changes: tuple[str, ...]) -> None:
    settings: Settings = app.extensions["consent_settings"]
    app.extensions["consent_settings"] = replace(settings, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("made_for", Use)
@pytest.mark.parametrize("read_as", Use)
def test_a_link_for_one_use_is_refused_in_another(app: Flask, made_for: Use, read_as: Use) -> None:
    with app.app_context():
        token = links.sign(made_for, SOMEBODY)
        if made_for is read_as:
            assert links.read(read_as, token) == SOMEBODY
        else:
            with pytest.raises(InvalidLink):
                links.read(read_as, token)


@pytest.mark.parametrize(("use", "path"), [(u, p) for u in Use for p in ("confirm", "settings", "unsubscribe")])
def test_pages_refuse_the_links_of_others(app: Flask, use: Use, path: str) -> None:
    own = {
        "confirm": {Use.CONFIRMATION},
        "settings": {Use.SETTINGS, Use.FRESH_SETTINGS},
        "unsubscribe": {Use.UNSUBSCRIBE},
    }
    with app.app_context():
        token = links.sign(use, SOMEBODY)
    answer = app.test_client().get(f"/{path}/{token}?lang=en")
    if use in own[path]:
        assert answer.status_code in (404, 410)  # genuine, but names nobody here
    else:
        assert answer.status_code == 404
        assert "does not work" in answer.text


@pytest.mark.parametrize("use", Use)
def test_old_keys_verify_and_the_newest_signs(app: Flask, use: Use) -> None:
    old, new = "o" * 32, "n" * 32
    with app.app_context():
        _with(app, secret_keys=(old,), unsubscribe_keys=(old,))
        from_old = links.sign(use, SOMEBODY)
        _with(app, secret_keys=(old, new), unsubscribe_keys=(old, new))
        assert links.read(use, from_old) == SOMEBODY
        from_new = links.sign(use, SOMEBODY)
        _with(app, secret_keys=(new,), unsubscribe_keys=(new,))
        assert links.read(use, from_new) == SOMEBODY
        with pytest.raises(InvalidLink):
            links.read(use, from_old)


def test_unsubscribe_links_have_a_keyring_of_their_own(app: Flask) -> None:
    with app.app_context():
        token = links.sign(Use.UNSUBSCRIBE, SOMEBODY)
        _with(app, secret_keys=("x" * 32,))
        assert links.read(Use.UNSUBSCRIBE, token) == SOMEBODY


@pytest.mark.parametrize("spoil", [lambda t: t[:-4], lambda t: "x" + t, lambda t: t + "x" * 400, lambda t: "a.b.c"])
@pytest.mark.parametrize("use", Use)
def test_a_damaged_link_is_refused(app: Flask, use: Use, spoil: object) -> None:
    with app.app_context(), pytest.raises(InvalidLink):
        links.read(use, spoil(links.sign(use, SOMEBODY)))  # type: ignore[operator]


def test_a_fresh_link_is_fresh_for_an_hour(app: Flask) -> None:
    with app.app_context():
        token = links.sign(Use.FRESH_SETTINGS, SOMEBODY)
        assert links.read_settings(token) == links.PersonalLink(SOMEBODY, is_fresh=True)
        with time_machine.travel(clock.now() + timedelta(minutes=61)):
            assert links.read_settings(token) == links.PersonalLink(SOMEBODY, is_fresh=False)
        assert links.read_settings(links.sign(Use.SETTINGS, SOMEBODY)) == links.PersonalLink(SOMEBODY, is_fresh=False)


def test_identifiers_are_random_and_128_bits() -> None:
    many = {new_public_id() for _ in range(1000)}
    assert len(many) == 1000
    assert {len(bytes.fromhex(identifier)) for identifier in many} == {16}


@pytest.mark.parametrize("text", [SOMEBODY, "https://blog.example/" + "newsletter/" * 20])
def test_tokens_are_those_of_itsdangerous_and_may_have_been_compressed(text: str) -> None:
    keys, use = ("old key", "new key"), "a use"
    assert tokens.serializer(keys, use).loads(URLSafeSerializer(list(keys), salt=use).dumps(text)) == text
    assert URLSafeSerializer(list(keys), salt=use).loads(tokens.serializer(keys, use).dumps(text)) == text
    assert tokens.timed_serializer(keys, use).loads(URLSafeTimedSerializer(list(keys), salt=use).dumps(text)) == text
    assert URLSafeTimedSerializer(list(keys), salt=use).loads(tokens.timed_serializer(keys, use).dumps(text)) == text


def test_a_lasting_token_is_the_one_that_itsdangerous_makes() -> None:
    keys, use = ("old key", "new key"), "a use"
    for identifier in (SOMEBODY, new_public_id()):
        assert tokens.lasting(keys, use, identifier) == URLSafeSerializer(list(keys), salt=use).dumps(identifier)
