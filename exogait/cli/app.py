"""The commands' root: what `exogait --help` is the table of contents of."""

from __future__ import annotations

from tyro.extras import SubcommandApp

app = SubcommandApp()
"""Every group of commands puts its own in here."""
