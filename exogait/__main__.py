"""The command ``exogait``, also as ``python -m exogait``: signals are heeded before anything large is imported."""

from exogait.cli.ending import heed_signals


def main() -> None:
    """Heed signals, then import the command line and run it."""
    heed_signals()
    from exogait.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
