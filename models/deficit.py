"""Muscle deficits as YAML files: which groups are weak, on which side, by how much.

A deficit file has these fields (those with * are required):

===============  =======================================================================================================
``name``*        the file's name
``description``  one sentence
``side``         ``right`` (default), ``left`` or ``both``
``strength``*    muscle group (or single muscle, without side) -> strength left, 1-100% of maximum isometric force
``atrophy``      ``false`` (default): the muscle keeps its mass, and its cost, as after a nerve lesion of recent date;
                 ``true``: its mass shrinks with its strength
``source``       where its numbers come from
===============  =======================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.home import find, names
from exogait.data.names import stem
from exogait.data.show import Card, Shown

from .tables import load_tables
from .yaml_files import as_mapping, as_number, as_text, read_mapping

Side = Literal["left", "right", "both"]
FIELDS = ("name", "description", "side", "strength", "atrophy", "source")
MINIMUM_STRENGTH, FULL_STRENGTH = 1.0, 100.0


@dataclass(frozen=True)
class Deficit(Shown):
    """Weakness of some muscle groups."""

    name: str
    description: str
    side: Side
    groups: tuple[tuple[str, float], ...]
    """Group (or muscle without side) and its strength in percent of the healthy one."""
    atrophy: bool = False
    source: str = ""

    @property
    def weakest(self) -> float:
        """Strength of the most affected group, percent."""
        return min(percent for _, percent in self.groups)

    @property
    def strength(self) -> Mapping[str, float]:
        """Strength of every affected muscle as a fraction of the healthy one; the weakest of its groups counts."""
        groups = muscle_groups()
        found: dict[str, float] = {}
        for group, percent in self.groups:
            for muscle in groups.get(group, (f"{group}_r", f"{group}_l")):
                if self.side == "both" or muscle.endswith(f"_{self.side[0]}"):
                    found[muscle] = min(found.get(muscle, 1.0), percent / FULL_STRENGTH)
        return found

    def card(self) -> Card:
        """Which groups are weak, and by how much."""
        facts = [("what", self.description), ("side", self.side)]
        facts += [(group, f"{percent:g} % of its strength") for group, percent in self.groups[:12]]
        facts += [
            ("muscles", "lose mass with strength" if self.atrophy else "keep their mass"),
            ("source", self.source),
        ]
        return Card(f"Deficit {self.name}", tuple(facts))


def muscle_groups() -> dict[str, tuple[str, ...]]:
    """Muscle groups by name, with the muscles of both sides.

    Example:
        >>> muscle_groups()["triceps_surae"]
        ('soleus_r', 'med_gas_r', 'lat_gas_r', 'soleus_l', 'med_gas_l', 'lat_gas_l')
    """
    groups: dict[str, list[str]] = {}
    for row in load_tables()["muscle_groups"]:
        groups.setdefault(row["group"], []).append(row["muscle"])
    return {group: tuple(members) for group, members in groups.items()}


def deficit_names(folder: str | Path | None = None) -> list[str]:
    """Name every known deficit.

    Args:
        folder: A folder of the user's own files to include, beside the user folder (:mod:`exogait.data.home`)
            and ``EXOGAIT_MODELS_PATH``.
    """
    return names("deficits", folder)


def load_deficit(
    name: str | Path, *, strength: float | None = None, side: str | None = None, folder: str | Path | None = None
) -> Deficit:
    """Read a deficit by name or by the path of its YAML file.

    Args:
        name: For example ``"plantarflexors"`` or ``"my/own_deficit.yaml"``.
        strength: Strength of the most affected group, percent (1-100), instead of the file's; where groups differ, the
            losses of the others change in proportion.
        side: ``left``, ``right`` or ``both`` instead of the file's.
        folder: A folder to look in first.

    Returns:
        The deficit.

    Raises:
        UnknownNameError: No such deficit, field or muscle group.
        FileFormatError: Not readable as YAML.
        InputError: A value out of range.

    Example:
        >>> dict(load_deficit("dorsiflexors", strength=20, side="left").strength)
        {'tib_ant_l': 0.2, 'ext_dig_l': 0.2, 'ext_hal_l': 0.2, 'per_tert_l': 0.2}
    """
    path = find("deficits", name, folder)
    content = read_mapping(path, FIELDS, required=("name", "strength"))
    deficit_name = as_text(content["name"], f"{path}: name")
    if deficit_name != path.stem:
        raise InputError(f"{path}: name", deficit_name, f"it must be the file's own name, {path.stem!r}")
    groups = _groups(as_mapping(content["strength"], f"{path}: strength"), str(path))
    if strength is not None:
        wanted = as_number(strength, "strength", minimum=MINIMUM_STRENGTH, maximum=FULL_STRENGTH, unit="percent")
        groups = _rescaled(groups, wanted)
    atrophy = content.get("atrophy", False)
    if not isinstance(atrophy, bool):
        raise InputError(f"{path}: atrophy", atrophy, "give true or false")
    return Deficit(
        name=deficit_name,
        description=as_text(content.get("description", ""), f"{path}: description"),
        side=_side(side, "side") if side is not None else _side(content.get("side", "right"), f"{path}: side"),
        groups=groups,
        atrophy=atrophy,
        source=as_text(content.get("source", ""), f"{path}: source"),
    )


def _side(value: Any, field: str) -> Side:
    if value not in ("left", "right", "both"):
        raise InputError(field, value, "give left, right or both")
    return cast(Side, value)


def _groups(strengths: dict[str, Any], where: str) -> tuple[tuple[str, float], ...]:
    groups = set(muscle_groups())
    muscles = {stem(row["muscle"]) for row in load_tables()["muscles"]}
    found = []
    for group, percent in strengths.items():
        if group not in groups | muscles:
            raise UnknownNameError("muscle group", group, groups | muscles, f"{where}: strength")
        field = f"{where}: strength.{group}"
        number = as_number(percent, field, minimum=MINIMUM_STRENGTH, maximum=FULL_STRENGTH, unit="percent")
        found.append((group, number))
    if not found:
        raise InputError(f"{where}: strength", strengths, "name at least one muscle group")
    return tuple(found)


def _rescaled(groups: tuple[tuple[str, float], ...], wanted: float) -> tuple[tuple[str, float], ...]:
    largest_loss = FULL_STRENGTH - min(percent for _, percent in groups)
    if largest_loss == 0.0:
        return tuple((group, wanted) for group, _ in groups)
    factor = (FULL_STRENGTH - wanted) / largest_loss
    return tuple((group, FULL_STRENGTH - factor * (FULL_STRENGTH - percent)) for group, percent in groups)
