"""The outbox: composing, deciding at hand-over, and delivering over SMTP."""
