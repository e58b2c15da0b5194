"""Pages that tell everybody the same but for a few values: rendered once, as a mailing's text is, then filled in.

For pages that many get, and that take Jinja longer than everything else that their request wants.
"""

import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from flask import current_app, render_template, request
from markupsafe import escape

from consent_service.localisation import current_language

_MOST_KEPT = 500
_MARK = secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class FixedPage:
    """A template, and the variables in it that stand for a value in a text or an attribute.

    The template may decide by no such value, and by nothing of the request but its address and language.
    """

    template: str
    slots: tuple[str, ...]

    def fill(self, values: Mapping[str, str], **context: Hashable) -> str:
        """The page with these values in its slots; it is rendered for each `context` apart."""
        kept: dict[Hashable, list[str]] = current_app.extensions.setdefault("fixed_pages", {})
        key = (self.template, request.full_path, current_language(), *context.values())
        if key not in kept:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            kept[key] = self._rendered(context)
        parts = kept[key].copy()
        parts[1::2] = [escape(values[slot]) for slot in parts[1::2]]
        return "".join(parts)

    def _rendered(self, context: Mapping[str, Hashable]) -> list[str]:
        """The page in parts: text and the name of a slot in turn."""
        marked = {slot: f"{_MARK}{slot}{_MARK}" for slot in self.slots}
        return render_template(self.template, **context, **marked).split(_MARK)
