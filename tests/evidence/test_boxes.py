"""Evidence comes out of its box as it went in, however long it is, and whichever release closed it."""

import json
import zlib

import pytest

from consent_service import encryption
from consent_service.domain.identifiers import new_public_id
from consent_service.evidence import service


@pytest.mark.parametrize("length", [0, 100, service.SHORTEST_TO_COMPRESS, 10_000])
def test_evidence_comes_back(length: int) -> None:
    key, row = encryption.new_key(), new_public_id()
    evidence = {"ip": "192.0.2.1", "mail": "ä" * length}
    assert service.open_box(key, service.close(key, evidence, row), row) == evidence


def test_a_mail_is_compressed() -> None:
    box = service.close(encryption.new_key(), {"mail": "<p>Guten Tag</p>\n" * 500}, new_public_id())
    assert len(box) < 500


def test_short_evidence_that_was_compressed_once_comes_back() -> None:
    key, row = encryption.new_key(), new_public_id()
    box = encryption.close(key, zlib.compress(json.dumps({"ip": "192.0.2.1"}).encode()), row)
    assert service.open_box(key, box, row) == {"ip": "192.0.2.1"}


def test_a_box_of_pieces_is_as_one_of_the_whole_and_opens_nowhere_else() -> None:
    row, keys = new_public_id(), encryption.Keyring(("a" * 40, "b" * 40))
    box = bytes(keys.close_pieces((b"envelope\n", b"", b"mail" * 10_000), row))
    assert len(box) == len(keys.close(b"envelope\n" + b"mail" * 10_000, row))
    assert keys.open(box, row) == b"envelope\n" + b"mail" * 10_000
    for other, bound_to in ((box, new_public_id()), (box[:-1] + bytes([box[-1] ^ 1]), row)):
        with pytest.raises(encryption.CannotDecrypt):
            keys.open(other, bound_to)
