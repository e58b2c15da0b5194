"""What a password must be."""

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128


def is_long_enough(password: str) -> bool:
    """Length is all that counts: rules about characters make passwords worse (NIST SP 800-63B section 5.1.1.2)."""
    return SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
