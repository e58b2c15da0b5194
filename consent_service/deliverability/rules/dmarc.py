"""DMARC (RFC 9989): the policy of the From domain, and whether SPF and DKIM vouch for that very domain.

Organisational domains are found by the tree walk of section 4.10, which needs no list of public suffixes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from consent_service.deliverability.rules import tags
from consent_service.deliverability.rules.findings import Check, Finding, Record, Verdict, finding
from consent_service.deliverability.rules.tags import BrokenRecord
from consent_service.dns_lookup.zone import Kind, NoAnswer, Zone, told

MOST_LABELS = 8
POLICIES = ("none", "quarantine", "reject")
_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(;.*)?", re.DOTALL)
_URI = re.compile(r"mailto:[^@,!\s]+@([A-Za-z0-9.-]+)(?:!\d+[kmgt]?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Published:
    """A domain's record."""

    domain: str
    text: str

    def psd(self) -> str:
        """What it says about being a public suffix: y, n, or u for unknown."""
        try:
            return tags.read(self.text).get("psd", "u")
        except BrokenRecord:
            return "u"


def records_at(domain: str, zone: Zone) -> list[str]:
    """All DMARC records of a domain. Raises NoAnswer."""
    return [text for text in told(zone, f"_dmarc.{domain}", Kind.TXT) if _VERSION.fullmatch(text)]


def path(domain: str) -> list[str]:
    """The domains that a walk asks, from this one up: never more than eight (RFC 9989 section 4.10)."""
    labels = domain.split(".")
    names = [domain]
    if len(labels) >= MOST_LABELS:
        labels = labels[-MOST_LABELS + 1 :]
        names.append(".".join(labels))
    return names + [".".join(labels[start:]) for start in range(1, len(labels))]


def walk(domain: str, zone: Zone) -> list[Published]:
    """What is published on the way up, nearest first; several records of one domain count as none. Raises NoAnswer."""
    found = []
    for name in path(domain):
        records = records_at(name, zone)
        if len(records) == 1:
            found.append(Published(name, records[0]))
            if found[-1].psd() in ("y", "n"):
                break
    return found


def organisational_domain(domain: str, found: Sequence[Published]) -> str:
    """The organisational domain, from what the walk found (RFC 9989 section 4.10.2)."""
    if not found:
        return domain
    last = found[-1]
    if last.psd() == "y" and last.domain != domain:
        below = domain.split(".")[-len(last.domain.split(".")) - 1 :]
        return ".".join(below)
    return last.domain


def is_aligned(domain: str, author: str, is_strict: bool, zone: Zone) -> bool:
    """Whether what vouches for a domain vouches for the author's (section 4.10.3). Raises NoAnswer."""
    if domain == author or is_strict:
        return domain == author
    theirs, ours = (organisational_domain(one, walk(one, zone)) for one in (domain, author))
    return theirs == ours


def assess(author: str, bounces: str, signers: Sequence[str], zone: Zone) -> list[Finding]:
    """The policy that holds for mail from `author`, and its alignment with where bounces go and who signs."""
    try:
        if len(records_at(author, zone)) > 1:
            return [finding(Check.DMARC, author, Verdict.DMARC_SEVERAL)]
        found = walk(author, zone)
        policy = _holding(author, found)
        if policy is None:
            return [finding(Check.DMARC, author, Verdict.DMARC_MISSING, _first_record(author))]
        read = _read(policy)
        problems = [*_policy(author, policy, read, zone), *_alignment(author, bounces, signers, read, zone)]
        return problems or [finding(Check.DMARC, author, Verdict.WELL)]
    except NoAnswer as error:
        return [finding(Check.DMARC, author, Verdict.NO_ANSWER, name=str(error))]
    except BrokenRecord as error:
        return [finding(Check.DMARC, author, Verdict.DMARC_BROKEN, _first_record(author), part=str(error))]


def _holding(author: str, found: Sequence[Published]) -> Published | None:
    """The author domain's own record, else that of its organisational domain, else that of the suffix above it."""
    organisation = organisational_domain(author, found)
    for domain in (author, organisation):
        for one in found:
            if one.domain == domain:
                return one
    return found[-1] if found else None


def _first_record(author: str) -> Record:
    """To begin with: nothing is refused, and reports come to an address that every domain has (RFC 5321 4.5.1)."""
    return Record(f"_dmarc.{author}", "TXT", f"v=DMARC1; p=none; rua=mailto:postmaster@{author}")


def _read(policy: Published) -> dict[str, str]:
    """The record's tags. Raises BrokenRecord."""
    read = tags.read(policy.text)
    for name in ("p", "sp", "np"):
        if name in read and read[name].lower() not in POLICIES:
            raise BrokenRecord(f"{name}={read[name]}")
    for name in ("adkim", "aspf"):
        if read.get(name, "r").lower() not in ("r", "s"):
            raise BrokenRecord(f"{name}={read[name]}")
    for uri in _reports_to(read):
        if not _URI.fullmatch(uri):
            raise BrokenRecord(uri)
    if "p" not in read and not _reports_to(read):
        raise BrokenRecord("p")
    return read


def _reports_to(read: dict[str, str]) -> list[str]:
    return [uri.strip() for uri in read.get("rua", "").split(",") if uri.strip()]


def _policy(author: str, policy: Published, read: dict[str, str], zone: Zone) -> list[Finding]:
    name = "sp" if policy.domain != author and "sp" in read else "p"
    is_testing = read.get("t", "n").lower() == "y"
    watches_only = read.get(name, "none").lower() == "none"
    better = _better(policy, read, name)
    verdicts = {
        Verdict.DMARC_WATCHES_ONLY: watches_only,
        Verdict.DMARC_TESTING: is_testing and not watches_only,
        Verdict.DMARC_NO_REPORTS: not _reports_to(read),
    }
    wrong = [verdict for verdict, is_so in verdicts.items() if is_so]
    # One record mends all of it.
    found = [
        finding(Check.DMARC, policy.domain, verdict, None if place else better) for place, verdict in enumerate(wrong)
    ]
    return found + _refused_reports(policy, read, zone)


def _better(policy: Published, read: dict[str, str], name: str) -> Record:
    """The same record, enforced and reported about."""
    better = {tag: value for tag, value in read.items() if tag != "t"}
    if better.get(name, "none").lower() == "none":
        better = {"v": better.pop("v"), name: "quarantine", **{tag: v for tag, v in better.items() if tag != name}}
    if not _reports_to(read):
        better["rua"] = f"mailto:postmaster@{policy.domain}"
    return Record(f"_dmarc.{policy.domain}", "TXT", tags.write(better))


def _refused_reports(policy: Published, read: dict[str, str], zone: Zone) -> list[Finding]:
    """Reports to a foreign domain need its word that it wants them (RFC 9990 section 4)."""
    found = []
    for uri in _reports_to(read):
        address = _URI.fullmatch(uri)
        host = address[1].lower() if address else ""
        if is_aligned(host, policy.domain, False, zone):
            continue
        name = f"{policy.domain}._report._dmarc.{host}"
        if not any(_VERSION.fullmatch(text) for text in told(zone, name, Kind.TXT)):
            record = Record(name, "TXT", "v=DMARC1")
            found.append(finding(Check.DMARC, policy.domain, Verdict.DMARC_REPORTS_REFUSED, record, host=host))
    return found


def _alignment(author: str, bounces: str, signers: Sequence[str], read: dict[str, str], zone: Zone) -> list[Finding]:
    by_spf = is_aligned(bounces, author, read.get("aspf", "r").lower() == "s", zone)
    is_strict = read.get("adkim", "r").lower() == "s"
    by_dkim = any(is_aligned(signer, author, is_strict, zone) for signer in signers)
    if by_spf and (by_dkim or not signers):
        return []
    values = {"bounces": bounces, "signers": ", ".join(dict.fromkeys(signers))}
    if by_spf:
        return [finding(Check.DMARC, author, Verdict.DMARC_DKIM_UNALIGNED, None, **values)]
    refused = Verdict.DMARC_UNALIGNED if signers else Verdict.DMARC_UNVOUCHED
    verdict = Verdict.DMARC_SPF_UNALIGNED if by_dkim else refused
    return [finding(Check.DMARC, author, verdict, None, **values)]
