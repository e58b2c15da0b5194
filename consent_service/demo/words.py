"""The words of the caught mail's pages for failures and answers."""

from consent_service.demo.answers import Reaction
from consent_service.demo.failures import Failure

FAILURES: dict[Failure, tuple[str, str]] = {
    Failure.NONE: ("Everything arrives", "Each mail is taken, and nothing comes back."),
    Failure.GONE: (
        "Mailbox gone, reported later",
        "The mail is taken; a second later a report comes back (RFC 3464, status 5.1.1). The address is not written "
        "to any more.",
    ),
    Failure.GONE_AT_ONCE: (
        "Mailbox gone, refused at once",
        "The recipient is refused with 550 5.1.1. The address is not written to any more.",
    ),
    Failure.FULL: (
        "Mailbox full, reported later",
        "A report comes back with status 5.2.2. It is noted; only when five mails in a row come back over two weeks "
        "is the address left alone.",
    ),
    Failure.FULL_AT_ONCE: (
        "Mailbox full, refused for now",
        "The recipient is refused with 452 4.2.2. The service tries again, first after a minute.",
    ),
    Failure.POLICY: (
        "Refused by policy",
        "The recipient is refused with 550 5.7.1. That is our fault, not the person’s: nobody is left out for it, and "
        "campaigns to that provider stop until somebody lifts that on the staff’s page “Limits”.",
    ),
    Failure.COMPLAINT: (
        "Complaint",
        "The mail is taken; a second later the provider reports it as unwanted (RFC 5965). The person is unsubscribed, "
        "and not written to any more.",
    ),
    Failure.AWAY: ("Out of office", "An automatic reply comes back. It changes nothing."),
    Failure.SLOW: ("Slow", "The server takes each mail only after five seconds."),
    Failure.DOWN: (
        "Down",
        "The server answers 421 and takes nothing. The mails wait; once it is up again they go out within a minute.",
    ),
}

ANSWERS: dict[Reaction, tuple[str, str]] = {
    Reaction.QUESTION: ("Reply with a question", "Your question is in the staff’s inbox."),
    Reaction.WISH: (
        "Reply “please unsubscribe me”",
        "A clear wish from an address that is known unsubscribes at once; anything else waits in the staff’s inbox.",
    ),
    Reaction.MAILTO: (
        "Unsubscribe by mail (List-Unsubscribe)",
        "The mail that a mail program sends is on its way. The person is unsubscribed from this purpose.",
    ),
    Reaction.AWAY: (
        "Out-of-office reply",
        "The automatic reply has arrived, and changes nothing. You find it in the staff’s inbox, under “Done”.",
    ),
    Reaction.COMPLAINT: (
        "Report as unwanted",
        "The provider’s report has arrived. The person is unsubscribed, and not written to any more.",
    ),
    Reaction.GONE: (
        "Return it: mailbox gone",
        "The report has arrived. The address is not written to any more.",
    ),
    Reaction.FULL: (
        "Return it: mailbox full",
        "The report has arrived, and is noted with the mail.",
    ),
}
