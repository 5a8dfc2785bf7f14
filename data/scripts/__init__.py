"""Scripts that made the tables in `data/tables`; each runs with ``python -m exogait.data.scripts.<name>``."""
