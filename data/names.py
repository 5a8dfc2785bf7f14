"""Names of sides and of sided things, which coordinates turn and which slide, and files that several modules name.

OpenSim's models write the side as a name's ending: ``soleus_r``, ``hip_flexion_l``. A name without such an ending
belongs to the middle of the body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

Side = Literal["r", "l"]
SIDES: tuple[Side, Side] = ("r", "l")
SideWord = Literal["right", "left"]
SIDE_WORDS: Mapping[Side, SideWord] = {"r": "right", "l": "left"}
"""A side in words."""
GROUND_REACTION_COLUMNS = tuple(
    f"{prefix}_{side}_{part}{axis}"
    for side in SIDES
    for prefix, part in (("ground_force", "v"), ("ground_force", "p"), ("ground_torque", ""))
    for axis in "xyz"
)
"""Force on the body (N), centre of pressure (m) and free moment (N m) of each foot, ground frame (X forward, Y up)."""

TRIAL_FILE = "trial.json"
"""Facts of a trial, beside its tables."""
BATCH_FILE = "batch.json"
"""How many walks a batch of the laboratory has; by it the folder is known."""
SESSION_FILE = "session.json"
"""What a session of the laboratory holds; by it the folder is known."""
STUDY_FILE = "study.json"
"""A study's configuration; by it the folder is known."""
PERSON_FILE = "person.json"
"""For whom a personalisation was made; by it the folder is known."""
RESULT_FILE = "result.json"
"""What a finished task of a study, or an arm of a personalisation, noted; written last."""
STRATEGIES_ENDING = "_strategies.json"
"""End of a body's strategies, which lie beside policies."""
MODEL_FILE = "gait2392_exo.osim"
"""The suite's model, with or without a device."""
METRICS_TABLE = "metrics.csv"
CURVES_TABLE = "curves.csv"
OPTIMUM_TABLE = "moco_inverse.csv"

INDEX_PAGE, REPORT_PAGE, REPLAY_PAGE, PERSONALIZE_PAGE, SESSION_PAGE = (
    "index.html", "report.html", "replay.html", "personalize_report.html", "session.html",
)  # fmt: skip
"""Pages: of a batch or the demonstration, of a walk, of a walk in three dimensions, of a personalisation, of a
session."""

COORDINATES_ENDING, MOMENTS_ENDING, FORCES_ENDING, MARKERS_ENDING = "_ik.mot", "_id.sto", "_grf.mot", "_markers.trc"
"""Ends of what OpenSim's tools read and write for a walk: coordinates, joint moments, ground reactions, markers."""
SCALED_ENDING, MUSCLES_ENDING = "_scaled.osim", "_muscles.osim"
"""Ends of models: scaled to a person; that model with its muscles as its only forces."""
RESERVES_FILE = "reserve_actuators.xml"
"""Actuators that help the muscles out, for OpenSim's tools."""

HEADLINE_ACCOUNTING, BHARGAVA_ACCOUNTING = "umberger2010", "bhargava2004"
"""Accountings of metabolic rate, with a person's muscle masses by anatomy."""
AS_PROBE, UNCREDITED = "_opensim", "_uncredited"
"""Ends of names of accountings: as OpenSim's probe has it; without credit for eccentric work."""

_OTHER: Mapping[Side, Side] = {"r": "l", "l": "r"}


def side_of(name: str) -> Side | None:
    """Side that a name's ending tells, ``None`` for the middle.

    Example:
        >>> side_of("soleus_l"), side_of("pelvis_tilt")
        ('l', None)
    """
    return "r" if name.endswith("_r") else "l" if name.endswith("_l") else None


def other_side(side: Side) -> Side:
    """The opposite side."""
    return _OTHER[side]


def stem(name: str) -> str:
    """Name without its side.

    Example:
        >>> stem("knee_angle_r"), stem("pelvis_tilt")
        ('knee_angle', 'pelvis_tilt')
    """
    return name if side_of(name) is None else name[:-2]


def mirrored_name(name: str) -> str:
    """The same thing of the other side, itself for the middle.

    Example:
        >>> mirrored_name("soleus_r"), mirrored_name("lumbar_bending")
        ('soleus_l', 'lumbar_bending')
    """
    side = side_of(name)
    return name if side is None else f"{stem(name)}_{other_side(side)}"


def is_translational(coordinate: str) -> bool:
    """Whether a coordinate of the suite's models is a translation (``pelvis_tx`` ...); all others are rotations."""
    return coordinate.endswith(("_tx", "_ty", "_tz"))


def accountings_now(known: Iterable[str]) -> dict[str, str]:
    """The accountings of a file by the names that they have now.

    Until masses came from anatomy, ``umberger2010`` and ``bhargava2004`` were what OpenSim's probes have, and there was
    no other: a file that knows no ``umberger2010_uncredited`` is of that time.

    Example:
        >>> accountings_now(["umberger2010", "own"])
        {'umberger2010': 'umberger2010_opensim', 'own': 'own'}
        >>> accountings_now(["umberger2010", "umberger2010_uncredited"])["umberger2010"]
        'umberger2010'
    """
    names = list(known)
    renamed = () if HEADLINE_ACCOUNTING + UNCREDITED in names else (HEADLINE_ACCOUNTING, BHARGAVA_ACCOUNTING)
    return {name: f"{name}{AS_PROBE}" if name in renamed else name for name in names}
