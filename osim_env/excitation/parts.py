"""Parts of a batch, each of one compiled model, and calls of the compiled control step on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np

from ..engine import Model
from ..engine.batch import groups
from ..engine.integration import Batch
from ..engine.lanes import JIT_DISABLED
from ..engine.observation import state_rows
from .arrays import Anatomy, Bodies, Faults, Floats, Motion, Results


class Part(NamedTuple):
    """Bodies of one size: neighbours in the batch that share a compiled model."""

    model: Model
    rows: slice
    anatomy: Anatomy
    motion: Motion
    location: Floats
    """Where added masses sit in each body's frame, m, shape (n_bodies, 3)."""
    bodies: Bodies
    """Views of the batch's."""
    felt: Bodies
    past: Floats
    faults: Faults
    results: Results
    groups: Any
    batch: Batch
    """The same arrays as the engine wants them."""

    @property
    def n(self) -> int:
        """Number of its bodies."""
        return self.rows.stop - self.rows.start


def make_part(
    model: Model, rows: slice, anatomy: Anatomy, motion: Motion, location: Floats, *,
    bodies: Bodies, felt: Bodies, past: Floats, faults: Faults, results: Results,
) -> Part:  # fmt: skip
    """The part of a batch that some rows are; it looks into the arrays of the batch."""
    own = Bodies._make(array[rows] for array in bodies)
    batch = Batch(
        parameters=own.parameters,
        added_mass_location=location,
        state=own.state,
        state_rows=state_rows(model),
        excitation=own.excitation,
        actuator=own.torque,
        rates=np.zeros((1, model.n_coordinates)),
        time=own.clock,
        status=own.status,
        result=np.zeros((rows.stop - rows.start, 0)),
        result_rows=np.zeros(0, np.int64),
    )
    return Part(
        model, rows, anatomy, motion, location, own, Bodies._make(array[rows] for array in felt), past[rows],
        Faults._make(array[rows] for array in faults), Results._make(array[rows] for array in results),
        groups(model), batch,
    )  # fmt: skip


class Call(NamedTuple):
    """A control step of one part: what does not change from one to the next."""

    chosen: tuple[Any, ...]
    """Settings that it was made for."""
    code: Callable[..., None]
    first: tuple[Any, ...]
    """Arguments before the work rows."""
    middle: tuple[Any, ...]
    """Between these and the actions."""
    rows: slice
    results: Results


def machine_code(kernel: Any, arguments: tuple[Any, ...]) -> Callable[..., None]:
    """The compiled code of a kernel for arguments of these types.

    A kernel that is called as it is finds out anew what types hundreds of arrays have, a tenth of the time of one
    body's step. What this returns asks nothing: arrays have to be of the type, dimensions and order of these.

    Args:
        kernel: An entry (:func:`exogait.osim_env.engine.lanes.entry`).
        arguments: Of one call.
    """
    if JIT_DISABLED:
        return kernel
    types = tuple(map(numba.typeof, arguments))
    kernel.compile(types)
    return kernel.overloads[types].entry_point
