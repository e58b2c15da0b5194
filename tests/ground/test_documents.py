"""What README and docs name is there: files, headings, decisions, packages and commands."""

import re
from pathlib import Path

import click

from consent_service.cli import commands

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _anchors(document: Path) -> set[str]:
    """The fragments that its headings have on GitHub."""
    titles = re.findall(r"^#+ (.+)$", _read(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)", _read(document)):
            target = document.parent / path if path else document
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                broken.append(f"{document.relative_to(ROOT)}: {path}#{anchor}")
    assert broken == []


def test_the_list_of_decisions_names_each_once() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", _read(folder / "README.md"))
    assert listed == sorted(file.name for file in folder.glob("0*.md"))


def test_the_architecture_names_each_package() -> None:
    packages = {file.parent.name for file in (ROOT / "consent_service").glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+)/?`", _read(ROOT / "docs" / "architecture.md")))
    assert packages - named == set()


def _is_understood(words: list[str]) -> bool:
    """Whether these words after `consent-service` are commands, and options of the last of them."""
    command: click.Command = commands
    for word in words:
        if word.startswith("-"):
            if not any(word in parameter.opts for parameter in command.get_params(click.Context(command))):
                return False
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return False
            command = found
    return True


def test_commands_exist() -> None:
    named = [
        (document.name, words)
        for document in DOCUMENTS
        for words in re.findall(r"consent-service((?: (?:--?)?[a-z][a-z-]*)+)", _read(document))
    ]
    assert len(named) > 30
    assert [(document, words) for document, words in named if not _is_understood(words.split())] == []
