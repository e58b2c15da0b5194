"""Rules of the house that a linter does not know."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "consent_service"
MOMENTS = {"datetime.now", "datetime.utcnow", "date.today", "time.time"}
# JSON-LD is data: browsers run nothing of it, so that the content security policy does not concern it.
INLINE = re.compile(
    r"<style|<script(?![^>]*\b(?:src=|type=\"application/ld\+json\">))|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
)


def _calls(path: Path) -> Iterator[str]:
    """What a module calls, the last two names of it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            owner = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
            yield f"{owner}.{node.func.attr}"


def _offenders(forbidden: set[str], allowed: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {call}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / allowed
        for call in _calls(path)
        if call in forbidden or call.rpartition(".")[2] in forbidden
    ]


def test_only_transaction_commits() -> None:
    assert "connection.commit" in set(_calls(PACKAGE / "database.py"))
    assert _offenders({"commit"}, "database.py") == []


def test_only_the_clock_asks_for_the_time() -> None:
    assert "datetime.now" in set(_calls(PACKAGE / "clock.py"))
    assert _offenders(MOMENTS, "clock.py") == []


@pytest.mark.parametrize("line", ["<p style='x'>", "<script>", "<a onclick=x>", "<style>"])
def test_inline_style_and_script_are_recognised(line: str) -> None:
    assert INLINE.search(line)


def test_no_page_has_inline_style_or_script() -> None:
    pages = [path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.relative_to(ROOT).parts]
    assert len(pages) > 10
    assert [str(path) for path in pages if INLINE.search(path.read_text(encoding="utf-8"))] == []
