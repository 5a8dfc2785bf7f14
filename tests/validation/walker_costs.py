"""What the walker's walking costs beside people: against speed, imposed stride rate, slope and added mass.

Slope, load and stride rate are external tests: nothing in the body or in the training's choice of a policy was set by
them. Every test is a table and a panel of one figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline

from exogait.models.energetics import basal_rate
from exogait.osim_env.learning.policy import Policy
from tests.validation.sections import ABOUT_ACCOUNTINGS, ROOT, markdown_table
from tests.validation.walker_tasks import Task, Walks, walk_each
from tests.validation.walking_figures import save_figure
from tests.validation.walking_world import MAIN_SPEED, SHORT, SPEEDS, Aim, Found

FIGURES = ROOT / "docs" / "figures" / "walker"
STARTS = 2 if SHORT else 20
SECONDS = 2.0 if SHORT else 20.0
BASAL = float(basal_rate(1.0))
UMBERGER_2007 = {0.8: 4.26, 0.9: 3.29, 1.0: 3.05, 1.1: 3.26, 1.2: 3.68}
"""Net power over stride rate (share of the preferred one), W/kg; Umberger & Martin 2007, read from the figure."""
BROWNING_2008 = {("waist", 4.0): 0.08, ("waist", 8.0): 0.14, ("waist", 16.0): 0.32, ("feet", 2.0): 0.35}
"""Rise of net power with added mass at 1.25 m/s; Browning et al. 2008, read from the figure."""
GRADES = (-0.08, -0.04, 0.0, 0.04, 0.08)
OWN, PEOPLE = "#1f5fa8", "0.45"


def ralston(speed: float) -> float:
    """Gross power of people, W/kg (Ralston 1958)."""
    return (29.0 + 0.0053 * (60.0 * speed) ** 2) * 4.184 / 60.0


def looney(speed: float) -> float:
    """Gross power of people, W/kg (Looney et al. 2019)."""
    return 1.44 + 1.94 * speed**0.43 + 0.24 * speed**4


def minetti(grade: float) -> float:
    """Net cost of walking on a slope, J/kg/m (Minetti et al. 2002)."""
    return 280.5 * grade**5 - 58.7 * grade**4 - 76.8 * grade**3 + 51.9 * grade**2 + 19.6 * grade + 2.5


HEADER = [
    "task", "without a fall", "mean time to fall or end s", "speed error of those that lasted",
    "gross power W/kg", "the same, no credit",
]  # fmt: skip


def task_row(walks: Walks) -> list[object]:
    """Cells of :data:`HEADER`."""
    cells = [f"{walks.mean(walks.power[:, k]):.2f}" if walks.up.any() else "" for k in (0, 1)]
    error = f"{walks.speed_error:.1%}" if walks.up.any() else "none lasted"
    return [walks.task.name, f"{walks.up.sum()} of {len(walks.up)}", f"{walks.lasted.mean():.1f}", error, *cells]


@dataclass(frozen=True)
class Against:
    """Power over something that was imposed, as a panel shows it.

    Attributes:
        label: What was imposed.
        unit: Of the power.
        own: Imposed value to the walker's.
        people: Name of a source to its points or to a curve.
    """

    label: str
    unit: str
    own: dict[float, float]
    people: dict[str, dict[float, float] | Callable[[float], float]]


def least(power: dict[float, float]) -> tuple[float, float, float]:
    """Speed of least cost of transport, and the range of speeds within 1% of it.

    Args:
        power: Speed (m/s) to gross power (W/kg), at three speeds or more; between them a cubic spline.
    """
    spline = CubicSpline(list(power), list(power.values()))
    speed = np.linspace(min(power), max(power), 1001)
    transport = spline(speed) / speed
    near = speed[transport <= 1.01 * transport.min()]
    return float(speed[transport.argmin()]), float(near.min()), float(near.max())


def cost(policy: Policy) -> Found:
    """Metabolic power against speed, stride rate, slope and load, beside people's."""
    parts = [against_speed(policy), against_stride_rate(policy), against_slope(policy), against_load(policy)]
    if not SHORT:
        draw_costs([panel for _, _, panel in parts], FIGURES)
    aims = [aim for some, _, _ in parts for aim in some]
    return aims, f"{ABOUT_ACCOUNTINGS}\n\n" + "\n\n".join(text for _, text, _ in parts) + (
        "\n\n![Cost beside people](figures/walker/costs.png)"
    )


def against_speed(policy: Policy) -> tuple[list[Aim], str, Against]:
    """Gross power at five speeds."""
    walks = walk_each(policy, [Task(f"{v:g} m/s", (v,), SECONDS) for v in SPEEDS], STARTS)
    rows, inside = [], []
    for v, found in zip(SPEEDS, walks, strict=True):
        low, high = sorted((ralston(v), looney(v)))
        own = found.mean(found.power[:, 0])
        inside.append(0.85 * low <= own <= 1.15 * high)
        rows.append([*task_row(found), f"{ralston(v):.2f}", f"{looney(v):.2f}", f"{own / v:.2f}"])
    power = {v: w.mean(w.power[:, 0]) for v, w in zip(SPEEDS, walks, strict=True) if w.up.any()}
    aims = [
        Aim("gross power within the span of Ralston and Looney, 15% about it", f"{sum(inside)} of 5 speeds", "5",
            all(inside)),
    ]  # fmt: skip
    if len(power) == len(SPEEDS):
        best, low, high = least(power)
        value = f"{best:.2f} m/s (within 1% of it: {low:.2f}-{high:.2f})"
        aims.append(Aim("speed of least J/kg/m", value, "1.1-1.5 m/s", 1.1 <= best <= 1.5))
    else:
        aims.append(Aim("speed of least J/kg/m", "some speeds fell", "1.1-1.5 m/s", False))
    table = markdown_table([*HEADER, "Ralston", "Looney", "J/kg/m"], rows)
    panel = Against("speed, m/s", "gross, W/kg", power, {"Ralston 1958": ralston, "Looney 2019": looney})
    return aims, f"Against speed.\n\n{table}", panel


def against_stride_rate(policy: Policy) -> tuple[list[Aim], str, Against]:
    """Net power at stride rates imposed about the freely chosen one."""
    free, *walks = walk_each(
        policy,
        [Task("freely chosen", (MAIN_SPEED,), SECONDS)]
        + [Task(f"stride rate x {r:g}", stride_rate=r, seconds=SECONDS) for r in UMBERGER_2007],
        STARTS,
    )
    chosen = free.mean(free.strides)
    rows = [[*task_row(free), f"{chosen:.3f}", ""]]
    for found, people in zip(walks, UMBERGER_2007.values(), strict=True):
        rate = f"{found.mean(found.strides):.3f}" if found.up.any() else ""
        rows.append([*task_row(found), rate, f"{people:.2f}"])
    own = {w.mean(w.strides) / chosen: w.mean(w.power[:, 0]) - BASAL for w in walks if w.up.any()}
    bottom = min(own, key=lambda r: own[r], default=float("nan"))
    inner = len(own) > 2 and bottom not in (min(own), max(own))
    value = f"{bottom:.2f} of the freely chosen rate" + ("" if inner else ", the end of what was tried: no U")
    aims = [Aim("cheapest imposed stride rate", value, "0.9-1.1, a U", inner and 0.9 <= bottom <= 1.1)]
    table = markdown_table([*HEADER, "strides a second", "people, net"], rows)
    panel = Against(
        "stride rate over the freely chosen one", "net, W/kg", own, {"Umberger and Martin 2007": UMBERGER_2007}
    )
    text = (
        f"Against an imposed stride rate at {MAIN_SPEED:g} m/s (over the reference's at that speed), beside people's "
        f"net power over the rate that they choose (Umberger & Martin 2007).\n\n{table}"
    )
    return aims, text, panel


def against_slope(policy: Policy) -> tuple[list[Aim], str, Against]:
    """Gross power up and down."""
    walks = walk_each(policy, [Task(f"slope {100 * g:+g} %", slope=g, seconds=SECONDS) for g in GRADES], STARTS)
    rows = [[*task_row(w), f"{minetti(g) * MAIN_SPEED + BASAL:.2f}"] for g, w in zip(GRADES, walks, strict=True)]
    own = {100 * g: w.mean(w.power[:, 0]) for g, w in zip(GRADES, walks, strict=True) if w.up.any()}
    rises = len(own) > 2 and own.get(0.0) is not None and min(own, key=lambda g: own[g]) < 0 < max(own)
    aims = [Aim("downhill costs less than level, uphill more", "yes" if rises else "no", "as people's",
                bool(rises and all(own[g] > own[0.0] for g in own if g > 0)))]  # fmt: skip
    table = markdown_table([*HEADER, "people"], rows)
    panel = Against("grade, %", "gross, W/kg", own, {"Minetti 2002": lambda g: minetti(g / 100) * MAIN_SPEED + BASAL})
    text = (
        f"Against slope at {MAIN_SPEED:g} m/s, beside people's net cost (Minetti 2002) plus the basal rate.\n\n{table}"
    )
    return aims, text, panel


def against_load(policy: Policy) -> tuple[list[Aim], str, Against]:
    """Rise of the net power with added mass: order and ratios."""
    kinds = [*BROWNING_2008, ("shanks", 4.0)]
    tasks = [Task(f"{m:g} kg, {place}{' each' * (place != 'waist')}", load=(place, m), seconds=SECONDS)
             for place, m in kinds]  # fmt: skip
    bare, *walks = walk_each(policy, [Task("nothing", seconds=SECONDS), *tasks], STARTS)
    net = bare.mean(bare.power[:, 0]) - BASAL
    rows = [[*task_row(bare), "", ""]]
    rise = {}
    for kind, found in zip(kinds, walks, strict=True):
        if found.up.any():
            rise[kind] = (found.mean(found.power[:, 0]) - BASAL) / net - 1.0
        own = f"{rise[kind]:+.0%}" if kind in rise else ""
        theirs = BROWNING_2008.get(kind)
        rows.append([*task_row(found), own, "" if theirs is None else f"{theirs:+.0%}"])
    order = [rise[kind] for kind in BROWNING_2008 if kind in rise and kind[0] == "waist"]
    complete = len(rise) == len(kinds)
    per_kg = {}
    for place, sides in (("waist", 1), ("shanks", 2), ("feet", 2)):
        found_there = [r / (sides * mass) for (where, mass), r in rise.items() if where == place]
        per_kg[place] = float(np.mean(found_there)) if found_there else float("nan")
    grows = complete and order == sorted(order) and per_kg["waist"] < per_kg["shanks"] < per_kg["feet"]
    value = ", ".join(f"{place} {100 * r:+.1f}%" for place, r in per_kg.items() if np.isfinite(r)) + " a kg"
    aims = [Aim("added mass: more costs more, and the farther out the more", value, "waist < shanks < feet", grows)]
    table = markdown_table([*HEADER, "rise of net power", "people"], rows)
    panel = Against(
        "kg at the waist", "rise of net power, %", {k[1]: 100 * r for k, r in rise.items() if k[0] == "waist"},
        {"Browning 2008": {k[1]: 100 * r for k, r in BROWNING_2008.items() if k[0] == "waist"}},
    )  # fmt: skip
    text = (
        f"Against added mass at {MAIN_SPEED:g} m/s, rise of the net power beside people's (Browning 2008).\n\n{table}"
    )
    return aims, text, panel


def draw_costs(panels: list[Against], folder: Path) -> Path:
    """Four panels: the walker's points and people's points or curves, as ``costs.png``."""
    figure = Figure(figsize=(8.6, 6.0), layout="constrained")
    for ax, panel in zip(figure.subplots(2, 2).ravel(), panels, strict=True):
        span = np.linspace(*((min(panel.own), max(panel.own)) if panel.own else (0.0, 1.0)), 50)
        for style, (name, points) in zip(("-", "--"), panel.people.items(), strict=False):
            if callable(points):
                ax.plot(span, [points(x) for x in span], style, color=PEOPLE, linewidth=1.2, label=f"people, {name}")
            else:
                ax.plot(list(points), list(points.values()), "s--", color=PEOPLE, markersize=4, label=f"people, {name}")
        ax.plot(list(panel.own), list(panel.own.values()), "o-", color=OWN, label="walker")
        ax.set_xlabel(panel.label, fontsize=8)
        ax.set_ylabel(panel.unit, fontsize=8)
        ax.tick_params(labelsize=7)
        ax.legend(fontsize=7, frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    return save_figure(figure, folder / "costs.png")
