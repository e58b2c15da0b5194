"""Tests of the deliverability check."""
