"""What a password must be, and where a sign-in may lead."""

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128


def is_long_enough(password: str) -> bool:
    """Length is all that counts: rules about characters make passwords worse (NIST SP 800-63B section 5.1.1.2)."""
    return SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD


def is_staff_page(location: str) -> bool:
    """Whether a redirect stays among the pages for staff: a sign-in leads nowhere else."""
    return location.startswith("/staff/")
