"""What a built model holds, as a table to read on a terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from exogait.data.errors import FileFormatError
from exogait.data.names import SIDES, side_of

from .deficit import muscle_groups
from .opensim_api import captured_log, import_opensim

#: Muscle groups whose total strength the summary shows.
SHOWN_GROUPS = (
    "hip_flexors",
    "hip_extensors",
    "hip_abductors",
    "hip_adductors",
    "quadriceps",
    "hamstrings",
    "plantarflexors",
    "dorsiflexors",
)


def read(path: str | Path) -> Any:
    """Load an ``.osim`` file without a word on the screen.

    Raises:
        FileFormatError: There is no such file, or OpenSim cannot read it; with OpenSim's own reason.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(path, "there is no such file")
    opensim = import_opensim()
    try:
        with captured_log("Critical"):
            model = opensim.Model(str(path))
            model.finalizeConnections()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise FileFormatError(path, f"OpenSim cannot read it as a model ({reason})") from error
    return model


def summary(model: Any) -> str:
    """Describe a model: bodies, coordinates with their limits, muscle groups, contact and actuators.

    Args:
        model: An ``opensim.Model`` with its connections made, or the path of an ``.osim`` file.

    Returns:
        Several tables as text; masses kg, angles degrees, forces N, torques N m.

    Example:
        >>> from exogait.models import build
        >>> summary(build()).split(",")[0]
        'gait2392_exo: 75.16 kg'
    """
    opensim = import_opensim()
    if isinstance(model, (str, Path)):
        model = read(model)
    state = model.initSystem()
    components = [model.getForceSet().get(index) for index in range(model.getForceSet().getSize())]
    muscles = {
        muscle.getName(): muscle for muscle in map(opensim.Muscle.safeDownCast, components) if muscle is not None
    }
    kinds = sorted({muscle.getConcreteClassName() for muscle in muscles.values()})
    lines = [
        f"{model.getName()}: {model.getTotalMass(state):.2f} kg, {model.getBodySet().getSize()} bodies, "
        f"{model.getCoordinateSet().getSize()} coordinates, {len(muscles)} muscles ({', '.join(kinds) or 'none'}), "
        f"{model.getMarkerSet().getSize()} markers",
        "",
        *_body_lines(model),
        "",
        *_coordinate_lines(opensim, model, components),
        "",
        *_muscle_lines(muscles),
        "",
        *_force_lines(opensim, components),
    ]
    return "\n".join(lines)


def _body_lines(model: Any) -> list[str]:
    lines = [f"{'body':<12}{'mass kg':>9}   {'mass centre m (x, y, z)':<28}{'inertia kg m2 (xx, yy, zz)'}"]
    for index in range(model.getBodySet().getSize()):
        body = model.getBodySet().get(index)
        centre = " ".join(f"{body.getMassCenter().get(axis):8.4f}" for axis in range(3))
        inertia = " ".join(f"{body.get_inertia().get(axis):8.4f}" for axis in range(3))
        lines.append(f"{body.getName():<12}{body.getMass():>9.3f}   {centre:<28}{inertia}")
    return lines


def _coordinate_lines(opensim: Any, model: Any, components: list[Any]) -> list[str]:
    limits = {}
    for component in components:
        limit = opensim.CoordinateLimitForce.safeDownCast(component)
        if limit is not None:
            limits[limit.get_coordinate()] = (limit.get_lower_limit(), limit.get_upper_limit())
    lines = [f"{'coordinate':<20}{'unit':<6}{'default':>9}{'range':>20}{'joint limit force':>22}"]
    coordinates = model.getCoordinateSet()
    for index in range(coordinates.getSize()):
        coordinate = coordinates.get(index)
        translational = coordinate.getMotionType() == opensim.Coordinate.Translational
        factor, unit = (1.0, "m") if translational else (180.0 / math.pi, "deg")
        value, low, high = (
            factor * number
            for number in (coordinate.getDefaultValue(), coordinate.getRangeMin(), coordinate.getRangeMax())
        )
        limit = limits.get(coordinate.getName())
        shown = f"{limit[0]:.0f} .. {limit[1]:.0f}" if limit else "none"
        lines.append(f"{coordinate.getName():<20}{unit:<6}{value:>9.3f}{f'{low:.4g} .. {high:.4g}':>20}{shown:>22}")
    return lines


def _muscle_lines(muscles: dict[str, Any]) -> list[str]:
    groups = muscle_groups()
    lines = [
        f"{'muscle group':<16}{'muscles a side':>15}{'right N':>11}{'left N':>11}   maximum isometric forces, summed",
    ]
    for group in SHOWN_GROUPS:
        members = [name for name in groups[group] if name in muscles]
        if not members:
            continue
        right, left = (
            sum(muscles[name].getMaxIsometricForce() for name in members if side_of(name) == side) for side in SIDES
        )
        lines.append(f"{group:<16}{sum(side_of(name) == 'r' for name in members):>15}{right:>11.0f}{left:>11.0f}")
    return lines


def _force_lines(opensim: Any, components: list[Any]) -> list[str]:
    spheres = [part.getName() for part in components if opensim.SmoothSphereHalfSpaceForce.safeDownCast(part)]
    springs = [part.getName() for part in components if opensim.SpringGeneralizedForce.safeDownCast(part)]
    lines = [
        f"contact spheres: {len(spheres)}" + (f" ({', '.join(spheres)})" if spheres else ""),
        f"springs: {', '.join(springs) or 'none'}",
        f"{'torque actuator':<26}{'coordinate':<20}{'from N m':>10}{'to N m':>10}",
    ]
    for component in components:
        actuator = opensim.CoordinateActuator.safeDownCast(component)
        if actuator is not None:
            low, high = (
                actuator.getOptimalForce() * bound for bound in (actuator.getMinControl(), actuator.getMaxControl())
            )
            name, coordinate = actuator.getName(), actuator.get_coordinate()
            lines.append(f"{name:<26}{coordinate:<20}{low:>10.1f}{high:>10.1f}")
    return lines
