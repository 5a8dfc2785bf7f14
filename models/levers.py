"""Muscle moment arms over the range of walking: the shortest proof that a model's paths are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exogait.data.files import write_csv, written_beside
from exogait.data.names import side_of, stem

from .opensim_api import import_opensim

if TYPE_CHECKING:
    import pandas as pd

#: Coordinate, its range in walking (degrees), words for its positive direction, and the muscles that matter most there.
PANELS = (
    ("hip_flexion_r", (-20.0, 40.0), "flexion", ("psoas", "rect_fem", "glut_max2", "bifemlh", "semimem")),
    ("hip_adduction_r", (-10.0, 10.0), "adduction", ("glut_med1", "glut_med2", "glut_min2", "tfl", "add_long")),
    ("knee_angle_r", (-70.0, 0.0), "extension", ("rect_fem", "vas_lat", "bifemlh", "bifemsh", "med_gas")),
    ("ankle_angle_r", (-20.0, 20.0), "dorsiflexion", ("soleus", "med_gas", "tib_post", "per_long", "tib_ant")),
)
#: Moment arms below this are no lever but numerical noise, m.
NEGLIGIBLE = 1e-5


def moment_arms(model: Any, *, points: int = 31) -> pd.DataFrame:
    """Compute the moment arms of all muscles of the right side over the range of walking, other coordinates at default.

    Args:
        model: An ``opensim.Model`` with its connections made.
        points: Angles a coordinate.

    Returns:
        Tidy table with columns ``coordinate``, ``angle_deg``, ``muscle``, ``moment_arm_m``; positive towards the
        coordinate's positive direction. Muscles that do not act on a coordinate are left out.

    Example:
        >>> from exogait.models import build
        >>> table = moment_arms(build(), points=3)
        >>> bool((table[table["muscle"] == "vas_lat_r"]["moment_arm_m"] > 0.02).all())
        True

    Source: OpenSim's GeometryPath and MomentArmSolver (Sherman et al. 2013, doi 10.1115/DETC2013-13633).
    """
    import pandas as pd

    opensim = import_opensim()
    state = model.initSystem()
    muscles = model.getMuscles()
    rows: list[tuple[str, float, str, float]] = []
    for name, (low, high), _, _ in PANELS:
        coordinate = model.getCoordinateSet().get(name)
        rest = coordinate.getDefaultValue()
        table: dict[str, list[float]] = {}
        angles = np.linspace(low, high, points)
        for angle in angles:
            coordinate.setValue(state, math.radians(angle), False)
            model.realizePosition(state)
            for index in range(muscles.getSize()):
                muscle = opensim.Muscle.safeDownCast(muscles.get(index))
                if side_of(muscle.getName()) == "r":
                    table.setdefault(muscle.getName(), []).append(muscle.computeMomentArm(state, coordinate))
        coordinate.setValue(state, rest, False)
        for muscle_name, arms in table.items():
            if max(map(abs, arms)) > NEGLIGIBLE:
                rows += [(name, float(angle), muscle_name, arm) for angle, arm in zip(angles, arms, strict=True)]
    return pd.DataFrame(rows, columns=["coordinate", "angle_deg", "muscle", "moment_arm_m"])


def plot_moment_arms(model: Any, out: str | Path, *, points: int = 31) -> tuple[Path, Path]:
    """Plot moment arms of the major muscles at hip, knee and ankle, and write those of all muscles as a table.

    Args:
        model: An ``opensim.Model`` with its connections made.
        out: Folder for ``moment_arms.png`` and ``moment_arms.csv``; made if it does not exist.
        points: Angles a coordinate.

    Returns:
        The figure's and the table's path.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    table = moment_arms(model, points=points)
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Sequence[Any] = figure.subplots(2, 2).ravel()
    for ax, (coordinate, _, positive, shown) in zip(axes, PANELS, strict=True):
        part = table[table["coordinate"] == coordinate]
        for muscle in shown:
            line = part[part["muscle"] == f"{muscle}_r"]
            ax.plot(line["angle_deg"], 100 * line["moment_arm_m"], label=muscle)
        ax.axhline(0.0, color="0.6", linewidth=0.8)
        ax.set_xlabel(f"{stem(coordinate).replace('_', ' ')} (deg, {positive} +)")
        ax.set_ylabel(f"moment arm (cm, {positive} +)")
        ax.legend(fontsize=8, frameon=False, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.suptitle(f"Muscle moment arms over the range of walking: {model.getName()}", parse_math=False)
    picture, sheet = out / "moment_arms.png", out / "moment_arms.csv"
    with written_beside(picture) as beside:
        figure.savefig(beside, dpi=130)
    write_csv(table, sheet)
    return picture, sheet
