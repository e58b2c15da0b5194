"""What each check and finding is called, in the language of who reads it: one sentence says what is wrong."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.deliverability.rules.findings import Check, Finding, Level, Verdict

LEVEL: dict[Level, LazyString] = {
    Level.GREEN: _l("Good"),
    Level.AMBER: _l("Worth a look"),
    Level.RED: _l("Wrong"),
}

TONE = {Level.GREEN: "success", Level.AMBER: "warning", Level.RED: "danger"}

OVERALL: dict[Level, LazyString] = {
    Level.GREEN: _l("Everything is as it should be."),
    Level.AMBER: _l("Mail can arrive; some things are worth a look."),
    Level.RED: _l("Something is wrong: providers may refuse mail, or put it into the spam folder."),
}

CHECK: dict[Check, LazyString] = {
    Check.SPF: _l("SPF: who may send for your domain"),
    Check.DKIM: _l("DKIM: the signature"),
    Check.DMARC: _l("DMARC: what holds for your From address"),
    Check.MX: _l("MX: where bounces and replies arrive"),
    Check.PTR: _l("PTR: the name of the sending address"),
    Check.TLS: _l("TLS: the way to the relay"),
    Check.ONE_CLICK: _l("One-click: the unsubscribe address"),
    Check.COPY: _l("The copy that came back"),
}

_WELL: dict[Check, LazyString] = {
    Check.SPF: _l("There is one record, it needs few enough lookups, and it ends closed."),
    Check.DKIM: _l("The key is published and long enough."),
    Check.DMARC: _l("The policy is in force, and your domain is vouched for."),
    Check.MX: _l("Mail to this domain reaches a server."),
    Check.PTR: _l("The address has a name, and the name leads back to it."),
    Check.TLS: _l("The relay offers TLS, with a trusted certificate for its name."),
    Check.ONE_CLICK: _l("The address answers over https without a redirect, with a trusted certificate."),
    Check.COPY: _l("Signed, unaltered, complete, and with its way out."),
}

_SENTENCE: dict[Verdict, LazyString] = {
    Verdict.NO_ANSWER: _l("No name server answered when asked for %(name)s: check again."),
    Verdict.SPF_MISSING: _l("The domain has no SPF record, so nobody can tell who may send for it."),
    Verdict.SPF_SEVERAL: _l("The domain has several SPF records, so none of them counts: publish a single one."),
    Verdict.SPF_BROKEN: _l("The SPF record is not valid at “%(term)s”, so it does not count."),
    Verdict.SPF_TOO_MANY_LOOKUPS: _l(
        "The SPF record needs more than %(most)s lookups, so it does not count: remove what you no longer use."
    ),
    Verdict.SPF_ALLOWS_ALL: _l("The SPF record lets everybody send for the domain: it must end in ~all or -all."),
    Verdict.SPF_OPEN_END: _l("The SPF record does not end in ~all or -all, so it keeps nobody out."),
    Verdict.SPF_LEAVES_US_OUT: _l("The SPF record does not permit those who send your mail: %(senders)s."),
    Verdict.SPF_SENDERS_UNKNOWN: _l(
        "The SPF record is valid; whether it permits your relay is not known: set CONSENT_SPF_INCLUDE or"
        " CONSENT_SENDING_ADDRESSES."
    ),
    Verdict.DKIM_UNKNOWN: _l(
        "It is not known which key signs your mail, and big providers want a signature: let the service sign"
        " (CONSENT_DKIM), or set CONSENT_DKIM_SELECTORS to what your relay signs with."
    ),
    Verdict.DKIM_NO_KEY: _l("The service is to sign and has no key that does: run consent-service dkim create."),
    Verdict.DKIM_MISSING: _l("The key that signs is not published, so no signature can be verified."),
    Verdict.DKIM_SEVERAL: _l("There are several keys under one name: leave a single one."),
    Verdict.DKIM_BROKEN: _l("The published key is not valid at “%(part)s”, so no signature can be verified."),
    Verdict.DKIM_REVOKED: _l("The published key is empty, which says that it is revoked."),
    Verdict.DKIM_OTHER_KEY: _l("Another key is published than the one that signs, so every signature fails."),
    Verdict.DKIM_TOO_SHORT: _l("The key has only %(bits)s bits, so receivers do not accept it: use 2048."),
    Verdict.DKIM_SHORT: _l("The key has only %(bits)s bits: 2048 are usual today."),
    Verdict.DKIM_TESTING: _l("The key is marked as a test (t=y): remove the mark, so that the signature counts."),
    Verdict.DMARC_MISSING: _l("There is no DMARC record, and big providers want one from who sends much."),
    Verdict.DMARC_SEVERAL: _l("There are several DMARC records, so none of them counts: publish a single one."),
    Verdict.DMARC_BROKEN: _l("The DMARC record is not valid at “%(part)s”, so it does not count."),
    Verdict.DMARC_WATCHES_ONLY: _l(
        "The policy is “none”: anybody may pass for you. Tighten it once the reports show that nothing of yours fails."
    ),
    Verdict.DMARC_TESTING: _l("The policy is marked as a test (t=y), so it does not fully hold."),
    Verdict.DMARC_NO_REPORTS: _l(
        "The DMARC record names no address for reports (rua), so nobody sees who passes for you."
    ),
    Verdict.DMARC_REPORTS_REFUSED: _l(
        "Reports are to go to %(host)s, which does not say that it wants them, so none are sent."
    ),
    Verdict.DMARC_UNALIGNED: _l(
        "Neither SPF (for %(bounces)s) nor DKIM (for %(signers)s) vouches for the domain in From, so DMARC fails."
    ),
    Verdict.DMARC_UNVOUCHED: _l(
        "SPF (for %(bounces)s) does not vouch for the domain in From, and no known signature does, so DMARC fails."
    ),
    Verdict.DMARC_SPF_UNALIGNED: _l(
        "Bounces go to %(bounces)s, another organisation’s domain than From’s, so only DKIM vouches for your mail: set"
        " CONSENT_BOUNCE_DOMAIN to a subdomain of yours."
    ),
    Verdict.DMARC_DKIM_UNALIGNED: _l(
        "Mail is signed for %(signers)s, another organisation’s domain than From’s, so only SPF vouches for your mail:"
        " sign for your own."
    ),
    Verdict.MX_MISSING: _l("No server takes mail for this domain, so bounces and requests to unsubscribe are lost."),
    Verdict.MX_ADDRESS_ONLY: _l("The domain has no MX record; mail goes to its web address by old habit only."),
    Verdict.MX_REFUSES_MAIL: _l("The domain says that it takes no mail at all (null MX)."),
    Verdict.MX_NOWHERE: _l("The MX record names %(host)s, which has no address."),
    Verdict.PTR_OF_RELAY: _l("Mail leaves from your relay’s addresses; their names are your relay’s to keep."),
    Verdict.PTR_UNKNOWN: _l("It is not known from which address mail leaves: set CONSENT_SENDING_ADDRESSES."),
    Verdict.PTR_MISSING: _l(
        "The address has no name (PTR), and many servers refuse mail from such: have your provider publish it."
    ),
    Verdict.PTR_UNCONFIRMED: _l("The address is called %(host)s, but this name does not lead back to the address."),
    Verdict.TLS_LOCAL: _l("The relay is on this machine; nobody can listen on the way."),
    Verdict.TLS_OFF: _l("Mail goes to the relay in plain text: set CONSENT_SMTP_SECURITY to starttls."),
    Verdict.TLS_NOT_OFFERED: _l("The relay does not offer STARTTLS, so no mail goes out."),
    Verdict.TLS_UNTRUSTED: _l("The relay’s certificate is not trusted, so no mail goes out: %(reason)s."),
    Verdict.TLS_EXPIRES: _l("The certificate ends in %(days)s days: renew it."),
    Verdict.RELAY_UNREACHABLE: _l("The relay cannot be reached: %(reason)s."),
    Verdict.HTTPS_MISSING: _l("One-click needs https (RFC 8058): set CONSENT_BASE_URL to an address with it."),
    Verdict.HTTPS_UNTRUSTED: _l("The website’s certificate is not trusted, so one-click fails: %(reason)s."),
    Verdict.ONE_CLICK_REDIRECTS: _l(
        "The unsubscribe address redirects to %(to)s; providers do not follow, so one-click fails."
    ),
    Verdict.ONE_CLICK_REFUSES: _l("The unsubscribe address answers with %(status)s in place of its page."),
    Verdict.ONE_CLICK_UNREACHABLE: _l("The unsubscribe address cannot be reached from here: %(reason)s."),
    Verdict.COPY_UNSIGNED: _l("The copy has no DKIM signature."),
    Verdict.COPY_SIGNATURE_FAILS: _l(
        "The DKIM signature does not verify: the mail was altered on its way, or the published key is another."
    ),
    Verdict.COPY_SIGNED_BY_OTHERS: _l("The copy is signed for %(signers)s only, not for the domain in From."),
    Verdict.COPY_WAY_OUT_UNSIGNED: _l(
        "The signature does not cover List-Unsubscribe and List-Unsubscribe-Post, so providers offer no one-click."
    ),
    Verdict.COPY_NOT_JUDGED: _l("The receiving server did not note what it found (Authentication-Results)."),
    Verdict.COPY_JUDGED_BAD: _l("The receiving server says %(method)s=%(result)s."),
    Verdict.COPY_HEADER: _l("The header %(name)s is there %(times)s times in place of once."),
    Verdict.COPY_WAY_OUT: _l(
        "The way out is not whole: both headers for one-click, and the visible link in text and HTML, must be there."
    ),
}


def sentence(finding: Finding) -> str:
    """What was found, in one sentence."""
    text = _WELL[finding.check] if finding.verdict is Verdict.WELL else _SENTENCE[finding.verdict]
    return str(text) % finding.values if finding.values else str(text)
