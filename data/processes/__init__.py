"""Processes: signals that a run heeds, workers that end with whoever started them."""

from .stopping import Stopped, heeded_signals
from .workers import LocalWorkers, WorkerLostError, end_with_parent, worker_pool

__all__ = ["LocalWorkers", "Stopped", "WorkerLostError", "end_with_parent", "heeded_signals", "worker_pool"]
