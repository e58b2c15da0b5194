"""As `campaign`, but each mail is signed with DKIM, by RSA and Ed25519; the bare loop signs nothing."""

import os

from benchmarks.campaign import AIM, measure
from consent_service import clock
from consent_service.database import transaction
from consent_service.extensions import settings
from consent_service.signing import queries, service
from consent_service.signing.rules import Algorithm, KeyState


def main() -> None:
    """Measures both in turn."""
    measure("campaign_dkim", AIM, __doc__, before=_let_sign)


def _let_sign() -> None:
    """Keys of both algorithms that sign, and the setting for the worker that is started later."""
    domain, now = settings().sending_domain, clock.now()
    with transaction() as session:
        service.create(session, domain, tuple(Algorithm), now)
    with transaction() as session:
        new = [key.selector for key in queries.keys(session, domain, KeyState.PREPARED)]
        service.activate(session, domain, new, now)
    os.environ["CONSENT_DKIM"] = "service"


if __name__ == "__main__":
    main()
