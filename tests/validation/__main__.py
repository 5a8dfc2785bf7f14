"""Validation studies: ``python -m tests.validation`` and names of :data:`STUDIES`; each rewrites its part of docs."""

from __future__ import annotations

import importlib
import sys

STUDIES = {
    "model": "validate_model", "twin": "validate_twin", "published": "published_models", "lab": "validate_lab",
    "events": "lab_events", "inputs": "validate_inputs", "scores": "lab_scores", "walking": "results_walking",
    "walker": "results_walker",
    "assistance": "results_assistance",
}  # fmt: skip


def main(names: list[str]) -> None:
    """Run the named studies, all of them without a name."""
    for name in names or STUDIES:
        if name not in STUDIES:
            sys.exit(f"unknown study {name!r}; known: {', '.join(STUDIES)}")
        importlib.import_module(f"tests.validation.{STUDIES[name]}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
