"""Surveys, with names or without: build, publish, answer, and see what came of it."""
