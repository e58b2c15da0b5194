"""Mail from a mailbox, by IMAP: what is stored is moved to another folder, so what is left is not stored yet."""

import ssl
from collections.abc import Callable

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from consent_service.config import Imap
from consent_service.domain.errors import Refused
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.receiving import Arrival
from consent_service.inbound.rules import Way

TIMEOUT_SECONDS = 60
_UNKNOWN = Envelope(None, ())


def poll(imap: Imap, largest_bytes: int, store: Callable[[Arrival], object]) -> int:
    """Stores and moves every mail in the folder; how many. Raises Refused where the server cannot be used.

    What `store` raises comes through: the mail stays where it is.
    """
    try:
        with IMAPClient(
            imap.host,
            imap.port,
            ssl=imap.implicit_tls,
            ssl_context=ssl.create_default_context() if imap.implicit_tls else None,
            timeout=TIMEOUT_SECONDS,
        ) as client:
            client.login(imap.user, imap.password)
            return _empty_folder(client, imap, largest_bytes, store)
    except (OSError, IMAPClientError) as error:
        raise Refused(f"CONSENT_IMAP_URL: {imap.host}:{imap.port} cannot be used: {error}") from error


def _empty_folder(client: IMAPClient, imap: Imap, largest_bytes: int, store: Callable[[Arrival], object]) -> int:
    if not client.folder_exists(imap.done_folder):
        client.create_folder(imap.done_folder)
    client.select_folder(imap.folder)
    stored = 0
    for number in client.search(["UNDELETED"]):
        arrival = _fetch(client, number, largest_bytes)
        if arrival is not None:
            store(arrival)
            _move(client, number, imap.done_folder)
            stored += 1
    return stored


def _fetch(client: IMAPClient, number: int, largest_bytes: int) -> Arrival | None:
    """One mail, without marking it as read; of a very large one only its beginning.

    None where another client has removed it: the server says nothing of it then (RFC 3501 section 6.4.8), or of its
    flags alone.
    """
    found = client.fetch([number], ["RFC822.SIZE", f"BODY.PEEK[]<0.{largest_bytes}>"]).get(number)
    if found is None or b"RFC822.SIZE" not in found:
        return None
    data = found.get(b"BODY[]<0>") or b""
    return Arrival(Way.IMAP, _UNKNOWN, data, max(found[b"RFC822.SIZE"], len(data)))


def _move(client: IMAPClient, number: int, folder: str) -> None:
    """By MOVE (RFC 6851), or by its steps where the server does not know it."""
    if client.has_capability("MOVE"):
        client.move([number], folder)
        return
    client.copy([number], folder)
    client.delete_messages([number], silent=True)
    client.expunge([number] if client.has_capability("UIDPLUS") else None)
