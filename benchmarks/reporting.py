"""The last line of every benchmark."""

import json
from collections.abc import Sequence
from statistics import median


def report(name: str, ours: Sequence[float], bare: Sequence[float], unit: str, aim: str) -> None:
    """Prints medians of the rounds and their ratio, ours to bare, as one JSON object."""
    values = {
        "name": name,
        "ours": round(median(ours), 3),
        "bare": round(median(bare), 3),
        "unit": unit,
        "ratio": round(median(ours) / median(bare), 3),
        "aim": aim,
    }
    print(json.dumps(values))
