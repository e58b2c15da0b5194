"""The decisions of campaigns, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from consent_service.campaigns import rules
from consent_service.campaigns.composing import to_text


@given(st.text(max_size=200))
def test_words_in_markdown_are_shown_as_they_are(text: str) -> None:
    words = " ".join(text.split()).replace("{{", "{ {").replace("}}", "} }")
    if words.isprintable() and words:
        assert to_text("x " + rules.as_markdown(text)).replace("\n", " ") == f"x {words}"
