"""The table of legal requirements names modules and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "legal.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][2:]


def test_every_requirement_has_an_entry() -> None:
    named = " ".join(row[0] for row in ROWS)
    for requirement in (
        "4(11)",
        "5(2)",
        "6(1)",
        "7(1)",
        "7(2)",
        "7(3)",
        "7(4)",
        "12(1), 13",
        "17",
        "21(2)",
        "25",
        "30",
        "32",
    ):
        assert requirement in named
    for requirement in ("§ 7(2) no. 2", *(f"§ 7(3) no. {number}" for number in range(1, 5)), "§ 25", "I ZR 164/09"):
        assert requirement in named


def test_every_module_exists() -> None:
    named = [re.findall(r"`([\w/]+\.py)`", row[2]) for row in ROWS]
    assert all(named), "a requirement names no module"
    modules = [module for row in named for module in row]
    assert [module for module in modules if not (ROOT / "consent_service" / module).is_file()] == []


def test_every_test_exists() -> None:
    named = [re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[3]) for row in ROWS]
    assert all(named), "a requirement names no test"
    tests = [test for row in named for test in row]
    missing = [
        f"{file}::{name}"
        for file, name in tests
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []
