"""Exoskeletons as YAML files: what they drive, how strongly and how fast, what they weigh, what they sense.

A device file has these fields (those with * are required):

=============  =========================================================================================================
``name``*      the file's name
``description``  one sentence
``sides``      ``[left, right]`` (default), ``[left]`` or ``[right]``
``joints``*    coordinate without side -> ``peak_torque_nm_per_kg`` (by direction) and ``rate_limit_nm_per_kg_per_s``
``added_mass`` body without side -> ``mass_kg`` and ``location_m`` in that body's frame (right; left is mirrored)
``delay_s``    from a command to its torque
``sensed``     signals the controller may see: ``<coordinate>.value``, ``<coordinate>.speed``, ``<body>.orientation``,
               ``<body>.gyroscope``, ``<body>.accelerometer``, ``applied_torque``
``source``     where its numbers come from
=============  =========================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.home import find, names
from exogait.data.names import side_of, stem
from exogait.data.show import Card, Shown, number

from .tables import Tables, load_tables
from .yaml_files import as_mapping, as_number, as_point, as_text, check_keys, read_mapping

#: Words for the positive and the negative direction of each coordinate, as OpenSim signs them.
DIRECTIONS = {
    "hip_flexion": ("flexion", "extension"),
    "hip_adduction": ("adduction", "abduction"),
    "hip_rotation": ("internal_rotation", "external_rotation"),
    "knee_angle": ("extension", "flexion"),
    "ankle_angle": ("dorsiflexion", "plantarflexion"),
    "subtalar_angle": ("inversion", "eversion"),
    "mtp_angle": ("extension", "flexion"),
    "lumbar_extension": ("extension", "flexion"),
    "lumbar_bending": ("right_bending", "left_bending"),
    "lumbar_rotation": ("left_rotation", "right_rotation"),
}
BODY_SIGNALS = ("orientation", "gyroscope", "accelerometer")
COORDINATE_SIGNALS = ("value", "speed")
APPLIED_TORQUE = "applied_torque"

# Sanity bounds of a file, wide enough for any device that a person can carry.
MAXIMUM_TORQUE = 5.0
MAXIMUM_RATE = 500.0
MAXIMUM_MASS = 40.0
MAXIMUM_DELAY = 0.5

FIELDS = ("name", "description", "sides", "joints", "added_mass", "delay_s", "sensed", "source")


@dataclass(frozen=True)
class JointActuation:
    """One driven coordinate of one side."""

    coordinate: str
    """Full coordinate name, for example ``hip_flexion_r``."""
    peak_positive: float
    """Largest torque in the coordinate's positive direction, N m/kg."""
    peak_negative: float
    """Largest torque in the negative direction, N m/kg, not negative."""
    rate_limit: float
    """Largest rate of torque, N m/kg/s."""

    @property
    def actuator(self) -> str:
        """Name of the actuator in the built model."""
        return f"exo_{self.coordinate}"


@dataclass(frozen=True)
class AddedMass:
    """What the device adds to one body."""

    body: str
    """Full body name."""
    mass: float
    """Mass, kg."""
    location: tuple[float, float, float]
    """Where it sits in the body's frame, m."""


@dataclass(frozen=True)
class Device(Shown):
    """An exoskeleton."""

    name: str
    description: str
    sides: tuple[str, ...]
    actuation: tuple[JointActuation, ...]
    added_mass: tuple[AddedMass, ...]
    delay: float
    """Delay from command to torque, s."""
    sensed: tuple[str, ...]
    """Signals with their side, for example ``hip_flexion_r.value``, in the order of the file, right before left."""
    source: str = ""

    @property
    def actuator_names(self) -> tuple[str, ...]:
        """Names of its actuators in the built model."""
        return tuple(joint.actuator for joint in self.actuation)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Full names of the coordinates it drives."""
        return tuple(joint.coordinate for joint in self.actuation)

    @property
    def mass(self) -> float:
        """Total mass, kg."""
        return sum(part.mass for part in self.added_mass)

    def card(self) -> Card:
        """What it drives, how strongly, and what it weighs."""
        facts = [("what", self.description), ("sides", ", ".join(self.sides)), ("mass", number(self.mass, "kg"))]
        for joint in self.actuation[:8]:
            peaks = f"+{joint.peak_positive:g} / -{joint.peak_negative:g} N m/kg, {joint.rate_limit:g} N m/kg/s"
            facts.append((joint.coordinate, peaks))
        facts += [("delay", number(self.delay, "s", 3)), ("senses", ", ".join(self.sensed) or "nothing")]
        return Card(f"Device {self.name}", (*facts, ("source", self.source)))


def device_names(folder: str | Path | None = None) -> list[str]:
    """Name every known device.

    Args:
        folder: A folder of the user's own files to include, beside the user folder (:mod:`exogait.data.home`)
            and ``EXOGAIT_MODELS_PATH``.
    """
    return names("devices", folder)


def load_device(name: str | Path, folder: str | Path | None = None) -> Device:
    """Read a device by name or by the path of its YAML file.

    Args:
        name: For example ``"hip_ankle"`` or ``"my/own_device.yaml"``.
        folder: A folder to look in first.

    Returns:
        The device with every name resolved to the model's.

    Raises:
        UnknownNameError: No such device, or a field, coordinate, body or signal that does not exist.
        FileFormatError: Not readable as YAML.
        InputError: A value out of range.

    Example:
        >>> load_device("hip_ankle_left").actuator_names
        ('exo_hip_flexion_l', 'exo_ankle_angle_l')
    """
    path = find("devices", name, folder)
    content = read_mapping(path, FIELDS, required=("name", "joints"))
    tables = load_tables()
    device_name = as_text(content["name"], f"{path}: name")
    if device_name != path.stem:
        raise InputError(f"{path}: name", device_name, f"it must be the file's own name, {path.stem!r}")
    sides = _sides(content.get("sides", ["left", "right"]), f"{path}: sides")
    delay = as_number(content.get("delay_s", 0.0), f"{path}: delay_s", minimum=0.0, maximum=MAXIMUM_DELAY, unit="s")
    actuation = _actuation(as_mapping(content["joints"], f"{path}: joints"), sides, tables, str(path))
    if not actuation:
        raise InputError(f"{path}: joints", {}, "name at least one coordinate")
    return Device(
        name=device_name,
        description=as_text(content.get("description", ""), f"{path}: description"),
        sides=sides,
        actuation=actuation,
        added_mass=_added_mass(
            as_mapping(content.get("added_mass", {}), f"{path}: added_mass"), sides, tables, str(path)
        ),
        delay=delay,
        sensed=_sensed(content.get("sensed", []), sides, tables, f"{path}: sensed"),
        source=as_text(content.get("source", ""), f"{path}: source"),
    )


def _sides(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(side not in ("left", "right") for side in value):
        raise InputError(field, value, "give [right], [left] or [left, right]")
    return tuple(side for side in ("right", "left") if side in value)


def _both_names(base: str, known: set[str], sides: tuple[str, ...], kind: str, where: str) -> list[str]:
    """Resolve a name without side to those of the device's sides, or a midline name to itself."""
    if f"{base}_r" in known:
        return [f"{base}_{side[0]}" for side in sides]
    if base in known and side_of(base) is None:
        return [base]
    raise UnknownNameError(kind, base, {stem(name) for name in known}, where)


def _actuation(
    joints: dict[str, Any], sides: tuple[str, ...], tables: Tables, where: str
) -> tuple[JointActuation, ...]:
    known = {row["coordinate"] for row in tables["coordinates"] if not row["coordinate"].startswith("pelvis_")}
    found = []
    for base, value in joints.items():
        names = _both_names(base, known, sides, "coordinate", f"{where}: joints")
        field = f"{where}: joints.{base}"
        settings = as_mapping(value, field)
        check_keys(settings, ("peak_torque_nm_per_kg", "rate_limit_nm_per_kg_per_s"), field)
        for key in ("peak_torque_nm_per_kg", "rate_limit_nm_per_kg_per_s"):
            if key not in settings:
                raise InputError(field, value, f"the field {key!r} is missing")
        directions = DIRECTIONS[base]
        peaks = as_mapping(settings["peak_torque_nm_per_kg"], f"{field}.peak_torque_nm_per_kg")
        check_keys(peaks, directions, f"{field}.peak_torque_nm_per_kg")
        positive, negative = (
            as_number(
                peaks.get(word, 0.0),
                f"{field}.peak_torque_nm_per_kg.{word}",
                minimum=0.0,
                maximum=MAXIMUM_TORQUE,
                unit="Nm/kg",
            )
            for word in directions
        )
        if positive == negative == 0.0:
            raise InputError(f"{field}.peak_torque_nm_per_kg", peaks, f"give a torque for {' or '.join(directions)}")
        rate = as_number(
            settings["rate_limit_nm_per_kg_per_s"],
            f"{field}.rate_limit_nm_per_kg_per_s",
            minimum=0.01,
            maximum=MAXIMUM_RATE,
            unit="Nm/kg/s",
        )
        found += [JointActuation(name, positive, negative, rate) for name in names]
    return tuple(found)


def _added_mass(bodies: dict[str, Any], sides: tuple[str, ...], tables: Tables, where: str) -> tuple[AddedMass, ...]:
    known = {row["body"] for row in tables["bodies"]}
    found = []
    for base, value in bodies.items():
        names = _both_names(base, known, sides, "body", f"{where}: added_mass")
        field = f"{where}: added_mass.{base}"
        settings = as_mapping(value, field)
        check_keys(settings, ("mass_kg", "location_m"), field)
        mass = as_number(settings.get("mass_kg"), f"{field}.mass_kg", minimum=0.0, maximum=MAXIMUM_MASS, unit="kg")
        x, y, z = as_point(settings.get("location_m", [0.0, 0.0, 0.0]), f"{field}.location_m")
        found += [AddedMass(name, mass, (x, y, -z if side_of(name) == "l" else z)) for name in names]
    return tuple(found)


def _sensed(signals: Any, sides: tuple[str, ...], tables: Tables, where: str) -> tuple[str, ...]:
    if not isinstance(signals, list):
        raise InputError(where, signals, "give a list of signals")
    coordinates = {row["coordinate"] for row in tables["coordinates"] if not row["coordinate"].startswith("pelvis_")}
    bodies = {row["body"] for row in tables["bodies"]}

    known = {f"{stem(name)}.{what}" for name in coordinates for what in COORDINATE_SIGNALS}
    known |= {f"{stem(name)}.{what}" for name in bodies for what in BODY_SIGNALS} | {APPLIED_TORQUE}
    resolved = []
    for signal in signals:
        if not isinstance(signal, str) or signal not in known:
            raise UnknownNameError("signal", str(signal), known, where)
        if signal == APPLIED_TORQUE:
            resolved.append(signal)
            continue
        source, what = signal.split(".")
        resolved += [f"{name}.{what}" for name in _both_names(source, coordinates | bodies, sides, "signal", where)]
    return tuple(resolved)
