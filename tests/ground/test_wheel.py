"""The wheel carries all that an installed service needs beside its code."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_everything_is_in_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static", "migrations"):
        files = [path for path in (ROOT / folder).rglob("*.*") if path.is_file() and "__pycache__" not in path.parts]
        assert len(files) > 3
        assert {f"consent_service/{path.relative_to(ROOT)}" for path in files} <= names
    for source in (ROOT / "consent_service" / "translations").rglob("*.po"):
        assert str(source.relative_to(ROOT).with_suffix(".mo")) in names
    assert {"consent_service/wsgi.py", "consent_service/demo/texts.toml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]
