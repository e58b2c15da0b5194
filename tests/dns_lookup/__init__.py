"""Tests of asking DNS, and a name server of the tests' own."""
