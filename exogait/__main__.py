"""``python -m exogait`` is the command."""

from exogait.cli.main import main

main()
