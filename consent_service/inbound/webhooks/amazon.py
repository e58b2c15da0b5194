"""What is fetched from Amazon: certificates of SNS, and the address that confirms a subscription."""

import ssl
import urllib.error
import urllib.request
from email.message import Message
from functools import lru_cache
from http.client import HTTPException
from typing import IO

from consent_service.inbound.webhooks.sns import is_of_sns

TIMEOUT_SECONDS = 5
LARGEST_ANSWER = 64 * 1024


class NoAnswer(Exception):
    """Amazon did not answer, or not as it should."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follows no redirect: it could lead away from Amazon."""


@lru_cache(maxsize=8)
def certificate(url: str) -> bytes:
    """The certificate at an address of SNS; its name changes with its content. Raises NoAnswer."""
    return fetch(url)


def fetch(url: str) -> bytes:
    """What stands at an address of SNS. Raises NoAnswer, and ValueError for any other address."""
    if not is_of_sns(url):
        raise ValueError("not an address of Amazon SNS")
    https = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.build_opener(https, _NoRedirect)
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read(LARGEST_ANSWER)
    except (OSError, HTTPException) as error:
        raise NoAnswer(type(error).__name__) from error
    return content
