"""Scripts that made the tables of :mod:`data.tables`; each runs with ``python -m exogait.data.scripts.<name>``."""
