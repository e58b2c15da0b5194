"""The decisions of the deliverability check: what was looked up goes in, findings come out."""
