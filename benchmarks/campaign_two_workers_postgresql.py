"""As `campaign_two_workers`, on PostgreSQL."""

from benchmarks.campaign_two_workers import measure


def main() -> None:
    """Measures both in turn."""
    measure("campaign_two_workers_postgresql", __doc__, on_postgresql=True)


if __name__ == "__main__":
    main()
