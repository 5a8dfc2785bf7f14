"""Who walks, and wearing what: the bodies and device conditions of a batch.

One network learns them all. A batch holds fixed shares of the conditions, so that each update sees all of them; the
body of an environment is drawn anew at each of its resets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import CONDITIONS
from exogait.data.errors import InputError, UnknownNameError
from exogait.data.settings import check_ranges
from exogait.models.deficit import load_deficit

Array = NDArray[np.float64]


_BODY_DRAW_RANGES = {"strength": (1.0, 100.0, "percent"), "share": (0.0, 1e6, "")}
"""Field of :class:`BodyDraw` to lowest and highest value and unit."""


@dataclass(frozen=True)
class BodyDraw:
    """Bodies of one kind.

    Attributes:
        deficit: Name or file of a muscle deficit; a healthy body without.
        strength: Range of the strength of the most affected group, percent.
        side: Weak side; ``either`` draws right or left.
        share: How often this kind is drawn, relative to the others.
    """

    deficit: str | None = None
    strength: tuple[float, float] = (100.0, 100.0)
    side: Literal["left", "right", "both", "either"] = "either"
    share: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.strength if len(self.strength) == 2 else (0.0, 0.0)
        if not 1.0 <= low <= high <= 100.0:
            raise InputError("strength", self.strength, "a range within 1 to 100 percent, smaller value first")
        check_ranges(self, _BODY_DRAW_RANGES)


_POPULATION_RANGES = {"conditions": (0.0, 1e6, ""), "size_share": (0.0, 0.99, "")}
"""Field of :class:`Population` to lowest and highest value and unit."""


@dataclass(frozen=True)
class Population:
    """The mixture that a batch is drawn from.

    Attributes:
        bodies: Kinds of bodies.
        conditions: Share of the environments in each device condition.
        sizes: Height (m) and mass (kg) of bodies of other sizes than the model's; the excitation scheme alone has them.
        size_share: Share of the environments that are of these sizes, in equal numbers.
    """

    bodies: tuple[BodyDraw, ...] = (BodyDraw(),)
    conditions: dict[str, float] | None = None
    sizes: tuple[tuple[float, float], ...] = ()
    size_share: float = 0.5

    def __post_init__(self) -> None:
        if not self.bodies or not sum(kind.share for kind in self.bodies) > 0:
            raise InputError("bodies", self.bodies, "at least one kind of body with a share above 0")
        for name in self.conditions or {}:
            if name not in CONDITIONS:
                raise UnknownNameError("device condition", name, CONDITIONS)
        check_ranges(self, _POPULATION_RANGES)
        if self.conditions is not None and not sum(self.conditions.values()) > 0:
            raise InputError("conditions", self.conditions, "at least one share above 0")

    def conditions_of(self, n_envs: int) -> NDArray[np.int64]:
        """Condition (index into :data:`CONDITIONS`) of every environment, interleaved, shape (n_envs,)."""
        shares = np.array([(self.conditions or {"powered": 1.0}).get(name, 0.0) for name in CONDITIONS])
        if not shares.sum() > 0:
            raise InputError("conditions", self.conditions, "at least one share above 0")
        # The largest-remainder rule, applied environment by environment: every stretch of the batch is mixed.
        given, found = np.zeros(3), np.zeros(n_envs, np.int64)
        for i in range(n_envs):
            found[i] = np.argmax(shares / shares.sum() * (i + 1) - given)
            given[found[i]] += 1
        return found


class BodySource:
    """Draws the muscle strengths of new bodies.

    Args:
        population: What to draw from.
        muscle_names: Muscles of the model, in order.
    """

    def __init__(self, population: Population, muscle_names: tuple[str, ...]) -> None:
        self.kinds = population.bodies
        self.share = np.array([kind.share for kind in self.kinds])
        self.share /= self.share.sum()
        # Loss of strength of each muscle with the most affected group at 0 %, right and left.
        self.loss = np.zeros((len(self.kinds), 2, len(muscle_names)))
        for k, kind in enumerate(self.kinds):
            if kind.deficit is None:
                continue
            for s, side in enumerate(("right", "left")):
                weak = load_deficit(kind.deficit, side="both" if kind.side == "both" else side).strength
                loss = 1.0 - np.array([weak.get(name, 1.0) for name in muscle_names])
                self.loss[k, s] = loss / max(loss.max(), 1e-12)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Strength of every muscle of ``n`` bodies as a fraction of the healthy one, shape (n, n_muscles)."""
        which = rng.choice(len(self.kinds), n, p=self.share)
        chance, level = rng.random(n), rng.random(n)
        strength = np.ones((n, self.loss.shape[2]))
        for i, k in enumerate(which):
            kind = self.kinds[k]
            low, high = kind.strength
            side = {"right": 0, "both": 0, "left": 1}.get(kind.side, int(chance[i] < 0.5))
            loss = 1.0 - (low + level[i] * (high - low)) / 100.0
            strength[i] -= loss * self.loss[k, side]
        return strength
