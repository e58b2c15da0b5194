"""Settings: read once from the environment, checked at start, frozen afterwards.

Every variable is `CONSENT_…`; a secret may come from a file named by the same variable with `_FILE`.
docs/settings.md describes each.
"""

from consent_service.config.reading import ConfigurationError
from consent_service.config.receiving import Imap, Inbound, Webhooks
from consent_service.config.sending import Dns, Smtp
from consent_service.config.settings import Organisation, Settings, from_environment

__all__ = [
    "ConfigurationError",
    "Dns",
    "Imap",
    "Inbound",
    "Organisation",
    "Settings",
    "Smtp",
    "Webhooks",
    "from_environment",
]
