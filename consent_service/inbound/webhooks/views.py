"""The addresses that mail providers post to. Their answers are the same whether or not an address is known."""

import hmac
import json
from collections.abc import Callable

from flask import Response, abort, request

from consent_service import clock
from consent_service.config import Webhooks
from consent_service.database import transaction
from consent_service.extensions import settings
from consent_service.inbound.webhooks import amazon, receiving, sns
from consent_service.inbound.webhooks.amazon import NoAnswer
from consent_service.inbound.webhooks.providers import SES
from consent_service.inbound.webhooks.reports import Json, words
from consent_service.public_side import PublicBlueprint

blueprint = PublicBlueprint("webhooks", __name__)

LARGEST_BYTES = 4 * 1024 * 1024
_SECRETS: dict[str, Callable[[Webhooks], tuple[str, ...]]] = {
    "postmark": lambda webhooks: webhooks.postmark_secrets,
    "brevo": lambda webhooks: webhooks.brevo_secrets,
    "mailjet": lambda webhooks: webhooks.mailjet_secrets,
}


@blueprint.post("/webhooks/ses")
def from_ses() -> Response:
    """Takes what Amazon SNS sends of a topic that is ours: events of SES, and the confirmation of a subscription."""
    topics = settings().webhooks.ses_topics
    if not topics:
        abort(404)
    message = _object(_json())
    if words(message, "TopicArn") not in topics or not _is_signed(message):
        abort(401)
    match words(message, "Type"):
        case sns.CONFIRMATION:
            _confirm(message)
        case sns.NOTIFICATION:
            _store(SES, [_event(message)])
    return _taken()


@blueprint.post("/webhooks/<provider>")
def take(provider: str) -> Response:
    """Takes events of a provider that knows the secret: as the password of basic authentication, or as a token."""
    if provider not in _SECRETS:
        abort(404)
    secrets = _SECRETS[provider](settings().webhooks)
    if not secrets:
        abort(404)
    if not _knows(secrets):
        return Response("who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="webhooks"'}, mimetype="text/plain")
    payload = _json()
    _store(provider, [_object(event) for event in (payload if isinstance(payload, list) else [payload])])
    return _taken()


def _knows(secrets: tuple[str, ...]) -> bool:
    given = request.authorization
    word = ((given.password if given.type == "basic" else given.token) or "") if given else ""
    return any(hmac.compare_digest(word.encode(), secret.encode()) for secret in secrets)


def _json() -> object:
    """The body; whatever it says it is, since SNS calls its JSON text/plain."""
    request.max_content_length = LARGEST_BYTES
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400)


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        abort(400)
    return value


def _event(message: Json) -> Json:
    """The event in a notification; Amazon also sends a line of text when a topic is set up, which is none."""
    try:
        event = json.loads(message["Message"])
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _is_signed(message: Json) -> bool:
    url = words(message, "SigningCertURL")
    if not sns.is_of_sns(url):
        return False
    try:
        certificate = amazon.certificate(url)
    except NoAnswer:
        abort(503)
    return sns.is_genuine(message, certificate, clock.now())


def _confirm(message: Json) -> None:
    url = words(message, "SubscribeURL")
    if not sns.is_of_sns(url):
        abort(400)
    try:
        amazon.fetch(url)
    except NoAnswer:
        abort(503)


def _store(provider: str, events: list[Json]) -> None:
    with transaction() as session:
        receiving.store(session, provider, events, clock.now())


def _taken() -> Response:
    return Response("taken\n", mimetype="text/plain")
