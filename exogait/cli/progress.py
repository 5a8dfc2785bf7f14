"""Progress bars on the terminal; none where nobody looks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def show_steps(total: int, label: str) -> Iterator[Callable[[str], None]]:
    """A progress bar whose argument is the step that begins."""
    from tqdm.auto import tqdm

    begun = 0
    with tqdm(total=total, desc=label, unit="step", leave=False, file=sys.stderr, disable=None) as bar:

        def step(name: str) -> None:
            nonlocal begun
            bar.set_postfix_str(name)
            bar.update(1 if begun else 0)
            begun += 1

        yield step


@contextlib.contextmanager
def show_clock(seconds: float, label: str) -> Iterator[Callable[[float], None]]:
    """A progress bar over simulated time, s."""
    from tqdm.auto import tqdm

    with tqdm(total=round(seconds, 2), desc=label, unit="s", leave=False, file=sys.stderr, disable=None) as bar:

        def advance(time: float) -> None:
            bar.update(round(time - bar.n, 2))

        yield advance
