"""A person's size: mass, height and segment factors, and what follows for strength and muscle mass.

Geometry, muscle lengths and inertias are scaled by OpenSim itself (``Model.scale``, the engine of the Scale Tool), so
that they equal what a user of the GUI gets. Strength follows muscle volume: the lower-limb volume regressed on mass
times height by Handsfield et al. 2014, divided by the change of optimal fiber length, since force goes with volume over
length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.files import write_text_atomic
from exogait.data.home import find, names
from exogait.data.loading import regular_file
from exogait.data.names import side_of, stem
from exogait.data.show import Card, Shown, number

from .anatomy import leg_muscle_volume, muscle_volume
from .deficit import Deficit
from .tables import load_tables
from .yaml_files import as_mapping, as_number, as_point, as_text, read_mapping

#: Bodies of each segment, as the published Scale Tool set-up groups them; a ``_r`` or ``_l`` is added for one side.
SEGMENTS = {
    "torso": ("torso",),
    "pelvis": ("pelvis",),
    "thigh": ("femur",),
    "shank": ("tibia", "talus"),
    "foot": ("calcn", "toes"),
}

MASS_BOUNDS = (10.0, 250.0)
HEIGHT_BOUNDS = (0.7, 2.5)
FACTOR_BOUNDS = (0.3, 2.0)
# Largest misfit of a scaled point to its body's factor, m; scaling leaves rounding errors alone.
FACTOR_TOLERANCE = 1e-4
FIELDS = ("name", "mass_kg", "height_m", "segment_factors")

Factors = tuple[float, float, float]


@dataclass(frozen=True)
class Subject(Shown):
    """A person to whom the model is scaled.

    Args:
        mass: Body mass without device, kg.
        height: Body height, m.
        factors: Segment (``thigh``, ``thigh_r``) or body (``femur_r``) to scale factors along x, y, z. What is not
            named takes height over the generic model's height, along all axes.
        name: For the model's name and reports.

    Example:
        >>> anna = Subject(58.0, 1.66, (("thigh", (0.95, 0.95, 0.95)),))
        >>> anna.body_factors()["femur_l"], round(anna.body_factors()["tibia_l"][0], 3)
        ((0.95, 0.95, 0.95), 0.922)
    """

    mass: float
    height: float
    factors: tuple[tuple[str, Factors], ...] = ()
    name: str = "subject"

    def __post_init__(self) -> None:
        as_number(self.mass, "mass", minimum=MASS_BOUNDS[0], maximum=MASS_BOUNDS[1], unit="kg")
        as_number(self.height, "height", minimum=HEIGHT_BOUNDS[0], maximum=HEIGHT_BOUNDS[1], unit="m")
        allowed = factor_names()
        for segment, factors in self.factors:
            if segment not in allowed:
                raise UnknownNameError("segment", segment, allowed, "segment_factors")
            for factor in factors:
                as_number(factor, f"segment_factors.{segment}", minimum=FACTOR_BOUNDS[0], maximum=FACTOR_BOUNDS[1])

    def body_factors(self) -> dict[str, Factors]:
        """Scale factors along x, y, z of every body; a named body beats its side's segment, that beats the segment."""
        uniform = self.height / load_tables().constants["generic_height"]
        named = dict(self.factors)
        found: dict[str, Factors] = {}
        for row in load_tables()["bodies"]:
            body = row["body"]
            whole, side = stem(body), side_of(body)
            segment = next(name for name, members in SEGMENTS.items() if whole in members)
            choices = (body, segment if side is None else f"{segment}_{side}", segment)
            found[body] = next((named[name] for name in choices if name in named), (uniform, uniform, uniform))
        return found

    @property
    def volume_ratio(self) -> float:
        """Muscle volume over that of the generic model.

        Source: Handsfield et al. 2014, doi 10.1016/j.jbiomech.2013.12.002.
        """
        constants = load_tables().constants
        generic = leg_muscle_volume(constants["generic_mass"], constants["generic_height"])
        return leg_muscle_volume(self.mass, self.height) / generic

    @classmethod
    def from_yaml(cls, path: str | Path) -> Subject:
        """Read a YAML file with ``mass_kg``, ``height_m`` and optional ``name`` and ``segment_factors``."""
        path = Path(path)
        if not path.is_file():
            raise FileFormatError(path, "there is no such file")
        content = read_mapping(path, FIELDS, required=("mass_kg", "height_m"))
        factors = []
        for segment, value in as_mapping(content.get("segment_factors", {}), f"{path}: segment_factors").items():
            field = f"{path}: segment_factors.{segment}"
            axes = as_point(value if isinstance(value, list) else [value] * 3, field)
            factors.append((segment, axes))
        mass = as_number(
            content["mass_kg"], f"{path}: mass_kg", minimum=MASS_BOUNDS[0], maximum=MASS_BOUNDS[1], unit="kg"
        )
        height = as_number(
            content["height_m"], f"{path}: height_m", minimum=HEIGHT_BOUNDS[0], maximum=HEIGHT_BOUNDS[1], unit="m"
        )
        return cls(mass, height, tuple(factors), as_text(content.get("name", path.stem), f"{path}: name"))

    @classmethod
    def from_scale_set(cls, path: str | Path, *, mass: float, height: float, name: str = "subject") -> Subject:
        """Take the factors that OpenSim's Scale Tool applied (its ``output_scale_file``).

        Args:
            path: The XML file.
            mass: Body mass, kg.
            height: Body height, m.
            name: For the model's name.
        """
        path = Path(path)
        try:
            regular_file(path)
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
            raise FileFormatError(path, f"cannot be read as an OpenSim scale set ({error})") from error
        bodies = {row["body"] for row in load_tables()["bodies"]}
        factors = []
        for scale in root.iter("Scale"):
            body, values = (scale.findtext("segment") or "").strip(), (scale.findtext("scales") or "").split()
            if body in bodies and (scale.findtext("apply") or "true").strip() == "true":
                if len(values) != 3:
                    raise FileFormatError(path, f"the scale factors of {body!r} are not three numbers")
                factors.append((body, (float(values[0]), float(values[1]), float(values[2]))))
        if not factors:
            raise FileFormatError(path, "holds no scale factors of this model's bodies")
        return cls(mass, height, tuple(factors), name)

    @classmethod
    def from_scaled_model(
        cls, path: str | Path, *, mass: float, height: float | None = None, name: str = "subject"
    ) -> Subject:
        """Find the factors by which the suite's model was scaled, from the places of its muscle and joint points.

        Scaling multiplies every point of a body with that body's factors, so the factors along each axis are the least
        squares ratios of the points to those of the tables.

        Args:
            path: A scaled .osim file of the suite's own model, as ``exogait lab run`` writes it.
            mass: Body mass, kg.
            height: Body height, m; without one the generic height times the mean length factor of trunk, thigh, shank.
            name: For the model's name.

        Raises:
            FileFormatError: Not XML, or not a scaled version of this model.
        """
        path = Path(path)
        try:
            regular_file(path)
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
            raise FileFormatError(path, f"cannot be read as an OpenSim model ({error})") from error
        generic, scaled = _generic_points(), _points_of(root)
        pairs: dict[str, list[tuple[Factors, Factors]]] = {}
        for key, (body, place) in generic.items():
            if key in scaled and scaled[key][0] == body:
                pairs.setdefault(body, []).append((place, scaled[key][1]))
        bodies = [row["body"] for row in load_tables()["bodies"]]
        found: dict[str, Factors] = {}
        for body in bodies:
            ratios = [_ratio([(p[axis], q[axis]) for p, q in pairs.get(body, [])]) for axis in range(3)]
            if any(ratio is None for ratio in ratios):
                raise FileFormatError(
                    path, f"{body} is not that of the suite's model, whole or scaled", "scale the suite's own model"
                )
            x, y, z = (float(ratio) for ratio in ratios if ratio is not None)
            found[body] = (x, y, z)
        if height is None:
            lengths = [found[body][1] for body in ("torso", "femur_r", "femur_l", "tibia_r", "tibia_l")]
            height = load_tables().constants["generic_height"] * math.fsum(lengths) / len(lengths)
        return cls(mass, height, tuple(found.items()), name)

    def to_yaml(self, path: str | Path) -> Path:
        """Write the YAML file that :meth:`from_yaml` reads."""
        import yaml

        content: dict[str, Any] = {"name": self.name, "mass_kg": float(self.mass), "height_m": float(self.height)}
        if self.factors:
            content["segment_factors"] = {name: [float(f) for f in factors] for name, factors in self.factors}
        return write_text_atomic(path, yaml.safe_dump(content, sort_keys=False))

    def card(self) -> Card:
        """Mass, height and the segments that are scaled apart."""
        facts = [("mass", number(self.mass, "kg", 1)), ("height", number(self.height, "m"))]
        facts += [(name, " ".join(f"{factor:.3f}" for factor in factors)) for name, factors in self.factors]
        return Card(f"Subject {self.name}", tuple(facts))


def _generic_points() -> dict[str, tuple[str, Factors]]:
    """Fixed muscle points and joint frames of the unscaled model: key to body and place, m."""
    tables = load_tables()
    found: dict[str, tuple[str, Factors]] = {}
    for row in tables["path_points"]:
        if row["kind"] == "fixed":
            place = (float(row["x_m"]), float(row["y_m"]), float(row["z_m"]))
            found[f"{row['muscle']}-P{row['point']}"] = (row["body"], place)
    for row in tables["joints"]:
        for part, body in (("parent", row["parent"]), ("child", row["child"])):
            x, y, z = (float(row[f"{part}_location_{axis}_m"]) for axis in "xyz")
            found[f"{row['joint']}/{body}_offset"] = (body, (x, y, z))
    return found


def _points_of(root: ElementTree.Element) -> dict[str, tuple[str, Factors]]:
    """The same of an .osim document."""
    found: dict[str, tuple[str, Factors]] = {}

    def add(key: str, parent: str | None, place: str | None) -> None:
        values = [float(text) for text in (place or "").split()]
        if len(values) == 3:
            found[key] = ((parent or "").strip().rsplit("/", 1)[-1], (values[0], values[1], values[2]))

    for point in root.iter("PathPoint"):
        add(point.get("name", ""), point.findtext("socket_parent_frame"), point.findtext("location"))
    for joint in (item for joints in root.iter("JointSet") for item in joints.findall("objects/*")):
        for frame in joint.findall("frames/PhysicalOffsetFrame"):
            key = f"{joint.get('name')}/{frame.get('name')}"
            add(key, frame.findtext("socket_parent"), frame.findtext("translation"))
    return found


def _ratio(pairs: list[tuple[float, float]]) -> float | None:
    """Common ratio of second to first numbers; None where there is none or they do not share one."""
    total = math.fsum(a * a for a, _ in pairs)
    if total < 1e-8:
        return None
    ratio = math.fsum(a * b for a, b in pairs) / total
    return ratio if all(abs(b - ratio * a) < FACTOR_TOLERANCE for a, b in pairs) else None


def subject_names() -> list[str]:
    """Name every subject in the user folder (:mod:`exogait.data.home`)."""
    return names("subjects")


def load_subject(name: str | Path) -> Subject:
    """Read a subject by name or by the path of its YAML file; see :meth:`Subject.from_yaml`.

    Raises:
        UnknownNameError: The user folder has no such subject, or a field in it does not exist.
        FileFormatError: No such file, or not readable as YAML.
    """
    return Subject.from_yaml(find("subjects", name))


def factor_names() -> set[str]:
    """Every name a scale factor may have: segments, segments of one side, bodies."""
    sided = {f"{segment}_{side}" for segment in ("thigh", "shank", "foot") for side in "rl"}
    return set(SEGMENTS) | sided | {row["body"] for row in load_tables()["bodies"]}


def generic_mass() -> float:
    """Mass of the unscaled model, kg: the sum of the published body masses."""
    return math.fsum(float(row["mass_kg"]) for row in load_tables()["bodies"])


def muscle_masses(*, subject: Subject | None = None, deficit: Deficit | None = None) -> dict[str, float]:
    """Muscle masses for metabolic models, kg: density times the volume that anatomy gives (:mod:`.anatomy`).

    A deficit changes them only with ``atrophy``: a weak muscle that still has its mass still costs.

    Args:
        subject: Whose muscles; the generic model's without one.
        deficit: Which muscles are weak.

    Returns:
        Muscle name to mass, kg, in the order of the model.

    Example:
        >>> round(muscle_masses()["soleus_r"], 3)
        0.494
    """
    tables = load_tables()
    mass, height = tables.constants["generic_mass"], tables.constants["generic_height"]
    if subject is not None:
        mass, height = subject.mass, subject.height
    strength: Mapping[str, Any] = deficit.strength if deficit is not None and deficit.atrophy else {}
    names = [row["muscle"] for row in tables["muscles"]]
    volume = muscle_volume(names, body_mass=mass, height=height)
    density = tables.constants["muscle_density"]
    return {name: float(v) * density * strength.get(name, 1.0) for name, v in zip(names, volume, strict=True)}


def as_subject(subject: Subject | str | Path | None) -> Subject | None:
    """Accept a subject, the name of one, or the path of its YAML file."""
    if isinstance(subject, (str, Path)):
        return load_subject(subject)
    if subject is not None and not isinstance(subject, Subject):
        raise InputError("subject", subject, "give a Subject, its name or the path of its YAML file")
    return subject
