"""The example organisation, its seed data, and the catcher for its mail."""
