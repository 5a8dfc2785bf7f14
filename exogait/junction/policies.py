"""Every policy at hand: whom it moves, with which device, how fast, and how it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exogait.data.errors import ExogaitError
from exogait.data.home import entries
from exogait.data.loading import read_json

FULL = "full strength"
SUITE = "suite"
DAMAGED = "damaged"
"""Role of a policy whose description cannot be read."""
FEW = 2
"""More deficits than this are counted and not listed."""


@dataclass(frozen=True)
class PolicyEntry:
    """One policy, as its description tells it.

    Attributes:
        name: What commands call it by.
        origin: Whose it is: ``suite``, or ``yours``.
        role: ``human`` moves muscles, ``device`` drives a device; or :data:`DAMAGED`.
        body: Bodies that it was trained with, in words.
        device: Device that it was trained with, ``None`` without.
        speeds: Slowest and fastest walking speed of its training, m/s; ``None`` where it does not say.
        score: How it scored at the end of its training, in words; empty where it does not say.
        path: Its description, a .json file.
    """

    name: str
    origin: str
    role: str
    body: str
    device: str | None
    speeds: tuple[float, float] | None
    score: str
    path: Path

    def __str__(self) -> str:
        """One line; whose it is where it is not the suite's."""
        speeds = "" if self.speeds is None else f"{self.speeds[0]:g}-{self.speeds[1]:g} m/s"
        line = f"{self.name:54s} {self.role:7s} {self.device or 'no device':10s} {speeds:13s} {self.body}"
        line += f"; {self.score}" if self.score else ""
        return line if self.origin == SUITE else f"{line} ({self.origin})"


def list_policies() -> list[PolicyEntry]:
    """Every policy that is found by name, the user's and the suite's; one that cannot be read stands there as such."""
    found = [_read(entry.name, entry.where, entry.path.with_suffix(".json")) for entry in entries("policies")]
    return [entry for entry in found if entry is not None]


def _read(name: str, origin: str, path: Path) -> PolicyEntry | None:
    """One policy; None where the file describes something else."""
    from exogait.osim_env.learning.policy import FORMAT

    try:
        content = read_json(path, "damaged policy", "fetch or export it again")
        return _entry(name, origin, path, content) if content.get("format") == FORMAT else None
    except (ExogaitError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"its description cannot be read ({type(error).__name__}: {error})"
        return PolicyEntry(name, origin, DAMAGED, why, None, None, "", path)


def _entry(name: str, origin: str, path: Path, content: Mapping[str, Any]) -> PolicyEntry:
    settings = content.get("settings") or {}
    setup = settings.get("setup") or {}
    curve = content.get("curve") or []
    return PolicyEntry(
        name=name, origin=origin, role=str(content["role"]), body=_body(setup), device=content.get("device"),
        speeds=_speeds(settings), score=_score(curve[-1]) if curve else "",
        path=path,
    )  # fmt: skip


def _speeds(settings: Mapping[str, Any]) -> tuple[float, float] | None:
    """Those of the last stage that names some, or the world's."""
    named = [stage.get("speeds") for stage in settings.get("stages") or []]
    named = [(settings.get("world") or {}).get("speeds"), *named]
    speeds = next((pair for pair in reversed(named) if pair is not None), None)
    return None if speeds is None else (float(speeds[0]), float(speeds[1]))


def _body(setup: Mapping[str, Any]) -> str:
    kinds = (setup.get("population") or {}).get("bodies")
    if kinds is None:
        kinds = [{"deficit": setup.get("deficit"), "strength": [setup.get("strength") or 100.0] * 2}]
    weak = [kind for kind in kinds if kind["deficit"] is not None]
    words = [FULL] if len(weak) < len(kinds) else []
    if len(weak) <= FEW:
        words += [f"{Path(kind['deficit']).stem} {_range(*kind['strength'])} %" for kind in weak]
    else:
        low, high = (pick(kind["strength"][k] for kind in weak) for k, pick in ((0, min), (1, max)))
        words.append(f"{len(weak)} deficits {_range(low, high)} %")
    if setup.get("subject"):
        words.append(f"size of {Path(setup['subject']).stem}")
    if setup.get("tendon") not in (None, "rigid"):
        words.append("elastic tendons")
    return ", ".join(words)


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def _score(last: Mapping[str, Any]) -> str:
    words = f"{100 * last['survival']:.0f} % of walks without a fall"
    error = last.get("speed_error")
    return words if error is None or error != error else f"{words}, speed within {100 * error:.1f} %"
