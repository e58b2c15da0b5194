"""Bringing in customers and suppressions from older systems."""
