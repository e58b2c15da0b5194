"""Data subjects' rights; so far erasure (GDPR Art. 17)."""
