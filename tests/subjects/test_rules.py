"""What a person's own double opt-in lifts, and what it leaves."""

import pytest

from consent_service.domain.identifiers import PurposeId
from consent_service.domain.kinds import SuppressionReason
from consent_service.subjects.rules import InForce, is_lifted_by_opt_in, left_after_opt_in

ONE, TWO, THREE = (PurposeId(number) for number in (1, 2, 3))


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_only_what_stands_in_the_way_is_lifted(reason: SuppressionReason) -> None:
    assert is_lifted_by_opt_in(InForce(None, reason), {ONE})
    assert is_lifted_by_opt_in(InForce(ONE, reason), {ONE})
    assert not is_lifted_by_opt_in(InForce(TWO, reason), {ONE})


@pytest.mark.parametrize("reason", [one for one in SuppressionReason if one is not SuppressionReason.BOUNCED])
def test_what_was_not_asked_for_stays_suppressed(reason: SuppressionReason) -> None:
    left = left_after_opt_in(InForce(None, reason), {ONE}, [ONE, TWO, THREE])
    assert left == [InForce(TWO, reason), InForce(THREE, reason)]


def test_a_mailbox_that_works_again_works_for_every_purpose() -> None:
    assert left_after_opt_in(InForce(None, SuppressionReason.BOUNCED), {ONE}, [ONE, TWO]) == []
