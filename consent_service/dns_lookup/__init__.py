"""Asking DNS, and the form in which rules ask."""
