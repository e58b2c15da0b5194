"""Seminars and webinars: from the announcement to who was there."""
