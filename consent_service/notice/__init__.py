"""Purposes, their exact wordings, and the privacy notices: what consent is given to."""
