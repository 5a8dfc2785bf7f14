"""Small faults put into the suite's equations, to see whether a test notices: ``python -m tests.mutation``."""
