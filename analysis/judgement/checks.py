"""Every check of the judgement: one function and one line in the table.

A check takes the :class:`~exogait.analysis.judgement.case.Case` and gives rows. One that lacks its evidence gives a row
``not judged`` where a reader would expect the answer, else none. A limit stands beside the check that uses it, with
its source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exogait.data.quality import QualityRow

from . import balance, bodies, forces, laboratory, motion, plates, pressure, sources
from .case import Case
from .observed import observed_joints

Check = Callable[[Case], Iterable[QualityRow]]

CHECKS: tuple[Check, ...] = (
    observed_joints,
    sources.standing_rows, sources.mass_rows,
    forces.weight_rows, forces.force_rows, balance.balance_rows, pressure.pressure_rows,
    plates.clock_rows, plates.signal_rows,
    bodies.path_rows, bodies.gap_rows, bodies.limb_rows, bodies.rigid_rows, bodies.mirror_rows, bodies.scale_rows,
    bodies.side_rows,
    motion.joint_rows, motion.marker_rows, motion.number_rows,
    laboratory.laboratory_rows,
)  # fmt: skip
"""All of them, in the order of the report."""


def judge_case(case: Case) -> list[QualityRow]:
    """The rows of every check.

    Args:
        case: The walk.
    """
    return [row for check in CHECKS for row in check(case)]
