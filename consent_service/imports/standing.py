"""How the addresses of a chunk of rows stand: looked at in the dry run, and again when it is applied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PurposeId
from consent_service.domain.kinds import ConsentStatus, SuppressionReason
from consent_service.imports.rules import ImportKind, Verdict, verdict
from consent_service.ledger import queries as ledger_queries
from consent_service.subjects import service as subjects


@dataclass(frozen=True, slots=True)
class Standing:
    """What the service knows of some addresses.

    Customers: whom a suppression keeps out, who is written to already, and where people stand for the
    purpose. Lists of suppressions: what stands on the list already, and who is a person whom we know.
    """

    suppressed: frozenset[NormalisedAddress]
    known: frozenset[NormalisedAddress]
    statuses: Mapping[NormalisedAddress, ConsentStatus | None]

    def verdict(self, address: NormalisedAddress) -> Verdict:
        """What is done with a good row of this address."""
        return verdict(
            suppressed=address in self.suppressed, known=address in self.known, status=self.statuses.get(address)
        )


def look(
    session: Session, kind: ImportKind, purpose_id: PurposeId | None, addresses: Collection[NormalisedAddress]
) -> Standing:
    """How these addresses stand now, in two statements."""
    digests = {subjects.suppression_digest(address): address for address in addresses}
    if purpose_id is None:
        listed = subjects.suppressed_for_all_among(session, digests, SuppressionReason(kind.value))
        known = subjects.known_among(session, addresses)
        return Standing(frozenset(digests[digest] for digest in listed), frozenset(known), {})
    suppressed = subjects.suppressed_among(session, digests, purpose_id)
    statuses = ledger_queries.statuses(session, purpose_id, addresses)
    return Standing(
        frozenset(digests[digest] for digest in suppressed),
        frozenset(address for address, status in statuses.items() if status is ConsentStatus.ACTIVE),
        statuses,
    )
