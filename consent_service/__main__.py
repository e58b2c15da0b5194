"""The command line as a module: python -m consent_service"""

from consent_service.cli import main

main()
