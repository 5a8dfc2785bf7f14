"""The 92 muscles: paths as published, force laws by choice.

``thelen`` reproduces the published Thelen 2003 muscles. ``degroote_fregly`` keeps every published number and replaces
the curves by those of De Groote et al. 2016 (OpenSim's DeGrooteFregly2016Muscle) with a rigid tendon, on request with
a compliant one for soleus and gastrocnemius, of the published slack length or of one tuned to walking.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, Literal

from exogait.data.names import stem

from .skeleton import simm_spline, vec3
from .tables import Row, Tables

MuscleKind = Literal["degroote_fregly", "thelen"]
TendonKind = Literal["rigid", "compliant_plantarflexors", "tuned_plantarflexors"]

#: The muscles that pull on the Achilles tendon, the one whose stretch matters most in walking.
COMPLIANT = ("soleus", "med_gas", "lat_gas")


def tendon_stretch(force: float, strain: float) -> float:
    """Length of a tendon over its slack length.

    Args:
        force: Tendon force over the maximum isometric force.
        strain: At a force of one.

    Example:
        >>> round(tendon_stretch(1.0, 0.049), 3), round(tendon_stretch(0.0, 0.049), 3)
        (1.049, 1.0)

    Source: the curve of OpenSim's DeGrooteFregly2016Muscle (De Groote et al. 2016, with its constants so that the
    tendon is slack at no force).
    """
    return 1.0 + strain * math.log((force + 0.2) / 0.2) / math.log(1.2 / 0.2)


def _new_muscle(
    opensim: ModuleType, row: Row, constants: Any, kind: MuscleKind, tendon: TendonKind, working_force: float
) -> Any:
    slack = float(row["tendon_slack_length_m"])
    if kind == "thelen":
        muscle = opensim.Thelen2003Muscle()
        muscle.set_FmaxTendonStrain(constants["thelen_tendon_strain"])
        muscle.set_FmaxMuscleStrain(constants["passive_fiber_strain"])
        muscle.set_KshapeActive(constants["thelen_shape_active"])
        muscle.set_KshapePassive(constants["thelen_shape_passive"])
        muscle.set_Af(constants["thelen_Af"])
        muscle.set_Flen(constants["thelen_Flen"])
    else:
        muscle = opensim.DeGrooteFregly2016Muscle()
        compliant = tendon != "rigid" and stem(row["muscle"]) in COMPLIANT
        muscle.set_ignore_tendon_compliance(not compliant)
        muscle.set_tendon_compliance_dynamics_mode("explicit")
        strain = constants["plantarflexor_tendon_strain" if compliant else "thelen_tendon_strain"]
        muscle.set_tendon_strain_at_one_norm_force(strain)
        if compliant and tendon == "tuned_plantarflexors":
            # At the force that it mostly carries in walking the tendon is as long as the rigid one.
            slack /= tendon_stretch(working_force, strain)
        muscle.set_passive_fiber_strain_at_one_norm_force(constants["passive_fiber_strain"])
        muscle.set_active_force_width_scale(constants["active_force_width_scale"])
        muscle.set_fiber_damping(constants["fiber_damping"])
        muscle.set_activation_dynamics_smoothing(constants["activation_smoothing"])
        muscle.set_default_activation(0.05)
    muscle.set_activation_time_constant(constants["activation_time_constant"])
    muscle.set_deactivation_time_constant(constants["deactivation_time_constant"])
    muscle.setMinControl(constants["min_muscle_control"])
    muscle.setMaxControl(1.0)
    muscle.setName(row["muscle"])
    muscle.set_max_isometric_force(float(row["max_isometric_force_N"]))
    muscle.set_optimal_fiber_length(float(row["optimal_fiber_length_m"]))
    muscle.set_tendon_slack_length(slack)
    muscle.set_pennation_angle_at_optimal(float(row["pennation_angle_rad"]))
    muscle.set_max_contraction_velocity(constants["max_contraction_velocity"])
    return muscle


def _path_point(opensim: ModuleType, tables: Tables, row: Row, paths: dict[str, str]) -> Any:
    if row["kind"] == "moving":
        point = opensim.MovingPathPoint()
        for axis in "xyz":
            getattr(point, f"set_{axis}_location")(simm_spline(opensim, tables, row[f"{axis}_m"]))
            point.updSocket(f"{axis}_coordinate").setConnecteePath(paths[row["coordinate"]])
    elif row["kind"] == "conditional":
        point = opensim.ConditionalPathPoint()
        point.setLocation(vec3(opensim, row, "x_m", "y_m", "z_m"))
        point.setRangeMin(float(row["range_min"]))
        point.setRangeMax(float(row["range_max"]))
        point.updSocket("coordinate").setConnecteePath(paths[row["coordinate"]])
    else:
        point = opensim.PathPoint()
        point.setLocation(vec3(opensim, row, "x_m", "y_m", "z_m"))
    point.setName(f"{row['muscle']}-P{row['point']}")
    point.updSocket("parent_frame").setConnecteePath(f"/bodyset/{row['body']}")
    return point


def add_muscles(
    opensim: ModuleType,
    model: Any,
    tables: Tables,
    *,
    kind: MuscleKind = "degroote_fregly",
    tendon: TendonKind = "rigid",
) -> None:
    """Add the muscles with their fixed, conditional and moving path points.

    Args:
        opensim: The module.
        model: An ``opensim.Model`` with its joints.
        tables: The model's tables.
        kind: Which force law.
        tendon: Rigid tendons, or compliant ones for soleus and gastrocnemius, of the published slack length or of one
            at which their fibres work in walking where they do with rigid tendons; ``thelen`` tendons are always
            compliant.

    Source: De Groote et al. 2016, doi 10.1007/s10439-016-1591-9; Thelen 2003, doi 10.1115/1.1531112.
    """
    paths = {row["coordinate"]: f"/jointset/{row['joint']}/{row['coordinate']}" for row in tables["coordinates"]}
    points: dict[str, list[Row]] = {}
    for row in tables["path_points"]:
        points.setdefault(row["muscle"], []).append(row)
    working = {row["muscle"]: float(row["working_force"]) for row in tables["tendon_forces"]}
    for row in tables["muscles"]:
        muscle = _new_muscle(opensim, row, tables.constants, kind, tendon, working[row["muscle"]])
        point_set = opensim.GeometryPath.safeDownCast(muscle.updPath()).updPathPointSet()
        for point_row in sorted(points[row["muscle"]], key=lambda point: int(point["point"])):
            point_set.cloneAndAppend(_path_point(opensim, tables, point_row, paths))
        model.addForce(muscle)
        muscle.thisown = False
