"""Mailings to all who may be written to for one purpose: write, check, send."""
