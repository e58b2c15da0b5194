"""The append-only ledger of consent, and the states that it amounts to."""
