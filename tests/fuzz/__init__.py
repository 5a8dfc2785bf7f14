"""Damaged files for every reader, a tool of the developers: ``python -m tests.fuzz SEEDS``."""
