"""Blocks of environments over processor cores.

The kernels release Python's lock, so ordinary threads run them side by side. Blocks never exchange anything: how many
threads there are, and which takes which block, cannot change a bit of the result.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from exogait.data.errors import ForkedError

from .lanes import JIT_DISABLED, Backend, aligned_rows
from .model import Floats, n_blocks

_threads = 0
_pool: tuple[int, int, ThreadPoolExecutor] | None = None
_local = threading.local()
_home: int | None = None


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(count: int) -> None:
    """Choose how many threads the batched functions use.

    Args:
        count: Number of threads; 0 for all cores that this process may use (or OSIM_ENV_THREADS where that is set).
    """
    global _threads
    if count < 0:
        raise ValueError(f"number of threads is {count}, expected 0 or more")
    _threads = count


def get_threads() -> int:
    """Return the number of threads that the batched functions use."""
    return _threads or int(os.environ.get("OSIM_ENV_THREADS", "0")) or available_cores()


def refuse_after_fork() -> None:
    """Raise in a fork of a process in which bodies walked.

    OpenMP, which runs the loops over bodies (and torch), does not survive a fork: it would end the process with a word
    that names neither the cause nor the way out.

    Raises:
        ForkedError: This process is such a fork.
    """
    global _home
    if _home is None:
        _home = os.getpid()
    elif _home != os.getpid():
        raise ForkedError(_home)


def workspace(n_rows: int, backend: Backend = "float64") -> Floats:
    """Return this thread's work rows, allocated once for a size and back end, so that memory stays flat."""
    if getattr(_local, "key", None) != (n_rows, backend):
        _local.key, _local.rows = (n_rows, backend), aligned_rows(n_rows, backend=backend)
    return _local.rows


def _executor(workers: int) -> ThreadPoolExecutor:
    """Return a pool of this process (a fork does not inherit threads)."""
    global _pool
    if _pool is None or _pool[:2] != (os.getpid(), workers):
        _pool = (os.getpid(), workers, ThreadPoolExecutor(workers, thread_name_prefix="osim_env"))
    return _pool[2]


def over_blocks(
    batch: int, n_rows: int, work: Callable[[Floats, int, int], None], backend: Backend = "float64"
) -> None:
    """Call ``work(rows, first_block, end_block)`` so that every block of a batch is done once, on all threads.

    Args:
        batch: Number of environments.
        n_rows: Work rows that one block needs.
        work: Kernel call.
        backend: Numbers of the work rows.
    """
    over_batches((batch,), n_rows, lambda rows, _, start, stop: work(rows, start, stop), backend)


def over_batches(
    batches: Sequence[int], n_rows: int, work: Callable[[Floats, int, int, int], None], backend: Backend = "float64"
) -> None:
    """Call ``work(rows, batch, first_block, end_block)`` so that every block of every batch is done once.

    Args:
        batches: Number of environments of each batch.
        n_rows: Work rows that one block needs.
        work: Kernel call.
        backend: Numbers of the work rows.
    """
    counts = [n_blocks(batch, backend) for batch in batches]
    blocks = sum(counts)
    threads = 1 if JIT_DISABLED else max(1, min(get_threads(), blocks))
    edges = [blocks * k // threads for k in range(threads + 1)]

    def share(k: int) -> None:
        rows, before = workspace(n_rows, backend), 0
        for batch, count in enumerate(counts):
            start, stop = max(edges[k] - before, 0), min(edges[k + 1] - before, count)
            if start < stop:
                work(rows, batch, start, stop)
            before += count

    _side_by_side(threads, share)


def over_parts(count: int, work: Callable[[int], None]) -> None:
    """Call ``work(k)`` once for every ``k`` below ``count``, on all threads.

    Which parts there are is the caller's choice and not the machine's: where a part's result depends on nothing but
    the part, no bit of it depends on the number of threads.

    Args:
        count: Number of parts.
        work: Called with the number of a part; has to release Python's lock to run beside others.
    """
    threads = max(1, min(get_threads(), count))

    def share(k: int) -> None:
        for part in range(count * k // threads, count * (k + 1) // threads):
            work(part)

    _side_by_side(threads, share)


def _side_by_side(threads: int, share: Callable[[int], None]) -> None:
    """Call ``share(k)`` for every thread, the first on this one; what one raises is raised when all have ended."""
    futures = [_executor(threads - 1).submit(share, k) for k in range(1, threads)] if threads > 1 else []
    try:
        share(0)
    finally:
        wait(futures)
    for future in futures:
        future.result()
