"""Lint: every text that people see is in the German catalogue, and translated: python -m tests.translations"""

import io
import sys
from pathlib import Path

from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "consent_service" / "translations" / "de" / "LC_MESSAGES" / "messages.po"


def missing() -> list[str]:
    """The English texts that have no German yet."""
    template = ROOT / "messages.pot"
    arguments = ["pybabel", "--quiet", "extract", "-F", str(ROOT / "babel.cfg"), "-k", "lazy_gettext", "-k", "_l"]
    CommandLineInterface().run([*arguments, "-o", str(template), str(ROOT)])
    texts = read_po(io.BytesIO(template.read_bytes()))
    template.unlink()
    german = read_po(io.BytesIO(CATALOGUE.read_bytes()))
    return [
        str(message.id) for message in texts if message.id and not ((found := german.get(message.id)) and found.string)
    ]


if __name__ == "__main__":
    untranslated = missing()
    for text in untranslated:
        print(f"not translated into German: {text}", file=sys.stderr)
    sys.exit(1 if untranslated else 0)
