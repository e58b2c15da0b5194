"""Benchmarks: python -m benchmarks.NAME [--scale N]."""
