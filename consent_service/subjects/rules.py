"""What lifting a suppression leaves behind."""

from collections.abc import Collection
from dataclasses import dataclass

from consent_service.domain.identifiers import PurposeId
from consent_service.domain.kinds import SuppressionReason


@dataclass(frozen=True, slots=True)
class InForce:
    """A suppression that stands: for one purpose, or (None) for all."""

    purpose_id: PurposeId | None
    reason: SuppressionReason


def is_lifted_by_opt_in(suppression: InForce, confirmed: Collection[PurposeId]) -> bool:
    """A person's own confirmed double opt-in lifts what stands in its way, and nothing else."""
    return suppression.purpose_id is None or suppression.purpose_id in confirmed


def left_after_opt_in(
    suppression: InForce, confirmed: Collection[PurposeId], every_purpose: Collection[PurposeId]
) -> list[InForce]:
    """What replaces a lifted suppression of everything: the purposes that were not asked for stay suppressed.

    A bounce is different: who confirms from the mailbox has shown that it works, for every purpose.
    """
    if suppression.purpose_id is not None or suppression.reason is SuppressionReason.BOUNCED:
        return []
    return [InForce(purpose, suppression.reason) for purpose in every_purpose if purpose not in confirmed]
