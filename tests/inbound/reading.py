"""The mails of this folder, as servers and people write them, with what is ours put in where braces stand."""

from pathlib import Path

MAILS = Path(__file__).with_name("mails")


def names(*beginnings: str) -> list[str]:
    """The files that begin so, without their ending."""
    found = sorted(path.stem for path in MAILS.glob("*.eml") if path.stem.startswith(beginnings))
    assert found, beginnings
    return found


def mail(name: str, **ours: str) -> bytes:
    """A mail as it travels, with lines that end as in SMTP."""
    text = (MAILS / f"{name}.eml").read_text(encoding="utf-8")
    for key, value in ours.items():
        text = text.replace("{{" + key + "}}", value)
    assert "{{" not in text, f"{name} wants more: {text[text.index('{{') :][:40]}"
    return text.replace("\n", "\r\n").encode()
