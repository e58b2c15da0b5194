"""DKIM: the keys of the sending domains, and the signatures that the service itself puts on its mail."""
