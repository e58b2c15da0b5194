"""As `campaign`, on PostgreSQL: the bare loop writes its rows to the same server."""

from benchmarks.campaign import AIM, measure


def main() -> None:
    """Measures both in turn."""
    measure("campaign_postgresql", AIM, __doc__, on_postgresql=True)


if __name__ == "__main__":
    main()
