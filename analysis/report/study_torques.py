"""Torques that devices of a study learned, beside those of people and beside what a scaled joint moment would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from exogait.data.trial import SIDES

from ..outcomes.signs import leg_of, records
from ..outcomes.torques import (
    JOINTS,
    MOMENTS,
    agreement_summary,
    compare_baselines,
    compare_profiles,
    human_agreement,
    human_profiles,
)
from .kit import Cell, Fold, Heading, Note, Number, Part, Section, Table, Text, number
from .pieces import Piece, data_link, not_shown, with_data
from .study_data import SPEED, Array, Row, Study, body_label
from .study_figures import figure_profiles, figure_weak_torques


@dataclass(frozen=True)
class Learned:
    """Torque at one joint of the healthy body, mean of both legs, OpenSim's sign."""

    mean: Array
    """Shape (101,), N m/kg; NaN where no powered walk came through without a fall."""
    sd: Array
    """SD between seeds, shape (101,), N m/kg."""
    n_seeds: int
    speed: float
    """Commanded speed, m/s."""


def learned_torque(study: Study, joint: str) -> Learned:
    """What the device learned at a joint of the healthy body.

    Args:
        study: The study.
        joint: ``hip``, ``knee`` or ``ankle``.
    """
    rows, speed = study.healthy_at_speed("powered")
    both = [study.mean_curve(rows, f"device_{JOINTS[joint]}", side) for side in SIDES]
    known = [part for part in both if part[2]]
    if not known:
        return Learned(np.full(101, np.nan), np.full(101, np.nan), 0, speed)
    return Learned(np.mean([p[0] for p in known], axis=0), np.mean([p[1] for p in known], axis=0), known[0][2], speed)


def profile_rows(joint: str, learned: Learned) -> list[Row]:
    """The learned torque and every human profile of a joint over the stride, a row a point."""
    human = {p.name: np.asarray(p.curve) for p in human_profiles(joint).values() if p.curve is not None}
    nothing = np.full(101, np.nan)
    return [
        {"joint": joint, "profile": name, "percent": i, "torque_nm_per_kg": v, "sd_seeds": s}
        for name, values in {"learned": learned.mean, **human}.items()
        for i, (v, s) in enumerate(zip(values, learned.sd if name == "learned" else nothing, strict=True))
    ]


def moment_baselines(study: Study, joint: str, learned: Learned) -> tuple[pd.DataFrame, float]:
    """The learned torque and the body's own moment, scaled, against the human profiles.

    Args:
        study: The study.
        joint: ``hip``, ``knee`` or ``ankle``.
        learned: Of :func:`learned_torque`.

    Returns:
        Table of :func:`exogait.analysis.outcomes.torques.compare_baselines`, empty where there is no learned torque
        or no moment without the device, and the commanded speed of that moment, m/s.
    """
    key, factor = MOMENTS[joint]
    rows, speed = study.healthy_at_speed("none")
    both = [study.mean_curve(rows, key, side) for side in SIDES]
    moments = [factor * part[0] for part in both if part[2]]
    if not learned.n_seeds or not moments:
        return pd.DataFrame(), speed
    return compare_baselines(learned.mean, np.mean(moments, axis=0), joint), speed


def weak_torque_rows(study: Study) -> list[Row]:
    """Torque on the weak and the sound leg of every weak body over the stride, a row a point."""
    data: list[Row] = []
    for body in [b for b in study.bodies if b[0] != "healthy"]:
        rows, speed = study.at_speed(body, "powered")
        for joint in JOINTS:
            for which in ("weak", "sound"):
                mean, sd, n = study.mean_curve(rows, f"device_{JOINTS[joint]}", leg_of(body[2], which))
                if n:
                    data += [{"body": body_label(body), "joint": joint, "leg": which, "speed_commanded": speed,
                              "percent": i, "torque_nm_per_kg": m, "sd_seeds": s, "n_seeds": n}
                             for i, (m, s) in enumerate(zip(mean, sd, strict=True))]  # fmt: skip
    return data


# -- sections ---------------------------------------------------------------------------------------------------------


def torque_section(study: Study) -> Piece:
    """The learned torques of the healthy body beside human profiles, drawn and in numbers."""
    title = "Torque profiles"
    found = {joint: learned_torque(study, joint) for joint in JOINTS}
    shown = {joint: item for joint, item in found.items() if item.n_seeds}
    if not shown:
        return not_shown("torques", title, "no powered walk of the healthy body without a fall")
    first = next(iter(shown.values()))
    caption = (
        f"Healthy body at {first.speed:g} m/s commanded, mean of both legs over {first.n_seeds} seed(s), tint ± 1 SD "
        "between seeds. Dashed: human profiles rebuilt from published parameters. CSV in OpenSim's sign."
    )
    drawing = figure_profiles({joint: (item.mean, item.sd) for joint, item in shown.items()})
    parts: list[Part] = [with_data("figures/torques", drawing, caption)]
    rows = [row for joint, item in shown.items() for row in profile_rows(joint, item)]
    tables = {"figures/torques": pd.DataFrame(rows)}
    for joint, item in shown.items():
        result = compare_profiles(item.mean, joint)
        tables[f"figures/torque_comparison_{joint}"] = result
        parts += [Heading(joint.capitalize()), *_profile_tables(joint, result)]
    absent = ", ".join(joint for joint in JOINTS if joint not in shown)
    note = (
        "r and RMSE (N·m/kg) without any lag, scale or offset (equal peak: both over their largest value); learned | "
        "human. Trust A: read in the paper or its code; B: from third-party scripts, to be checked against the paper; "
        "C: computed from a data file. Inside: r is at least that of the least like human profile with the same one. "
        "Hip profiles come from one study of three people."
    )
    parts.append(Note(note + (f" No device at the {absent}." if absent else "")))
    return Piece(Section("torques", title, parts), tables)


def _profile_tables(joint: str, result: pd.DataFrame) -> list[Part]:
    """The comparison with published profiles, and that with each measured person, folded away."""
    words = [str(c).removeprefix("time_difference_") for c in result.columns if str(c).startswith("time_difference_")]
    header = ["profile", "trust", "r", "humans' r", "inside", "RMSE", "equal peak"]
    short = {"extension": "ext.", "flexion": "flex.", "plantarflexion": "plant."}
    header += [f"{short[word]} peak" for word in words] + [f"{short[word]} at %" for word in words]
    header += ["turns at %", "flex. / ext."] if joint == "hip" else []
    cells: dict[bool, list[list[Cell]]] = {False: [], True: []}
    for row in records(result):
        inside, humans = row["inside"], f"{number(row['human_r_min'])} to {number(row['human_r_max'])}"
        line: list[Cell] = [
            row["profile"].replace("_", " "), row["trust"], Number(row["r"]),
            humans if np.isfinite(row["human_r_min"]) else None,
            None if inside is None else "yes" if inside else "no", Number(row["rmse"]), Number(row["rmse_equal_peak"]),
        ]  # fmt: skip
        line += [f"{number(row[f'peak_{w}'])} | {number(row[f'human_peak_{w}'])}" for w in words]
        line += [f"{number(row[f'time_{w}'], 0)} | {number(row[f'human_time_{w}'], 0)}" for w in words]
        if joint == "hip":
            line += [f"{number(row['crossover'], 0)} | {number(row['human_crossover'], 0)}",
                     f"{number(row['ratio'])} | {number(row['human_ratio'])}"]  # fmt: skip
        cells[row["kind"] == "person"].append(line)
    flush = range(2, len(header))
    parts: list[Part] = [Table(header, cells[False], flush)]
    if cells[True]:
        parts.append(Fold(f"Each of {len(cells[True])} people", [Table(header, cells[True], flush)]))
    return parts


def baseline_section(study: Study) -> Piece:
    """How alike human profiles are among themselves, and what a scaled moment would reach."""
    parts: list[Part] = []
    data = []
    for joint in JOINTS:
        agreement = agreement_summary(human_agreement(joint))
        if not agreement.empty:
            rows = [[r["kind"], r["n_pairs"], *(Number(r[k]) for k in ("r_min", "r_median", "r_max"))]
                    for r in records(agreement)]  # fmt: skip
            caption = f"{joint.capitalize()}: human profiles among themselves"
            parts.append(Table(["pairs of", "n", "least r", "median r", "largest r"], rows, range(1, 5),
                               caption=caption))  # fmt: skip
        result, speed = moment_baselines(study, joint, learned_torque(study, joint))
        if result.empty:
            continue
        data.append(result.assign(joint=joint))
        caption = f"{joint.capitalize()}: against the human profiles; moment of the body without device, {speed:g} m/s"
        parts.append(Table(["", "profiles", "least r", "median r", "largest r", "median RMSE (N·m/kg)"],
                           _baseline_cells(result), range(1, 6), caption=caption))  # fmt: skip
    tables = {"figures/baselines": pd.concat(data)} if data else {}
    if data:
        parts.append(Note([data_link("figures/baselines")]))
    else:
        parts.append(Text("No learned torque, or no moment without the device, to put beside them."))
    parts.append(
        Note(
            "A learned torque that is no more like the human profiles than a scaled joint moment has learned no more "
            "than to follow that moment. The moment is scaled to the learned torque's largest value, to no human's; "
            "the best lag does look at the human profile and is an upper bound."
        )
    )
    return Piece(Section("baselines", "What a correlation is worth", parts), tables)


def _baseline_cells(result: pd.DataFrame) -> list[list[Cell]]:
    cells: list[list[Cell]] = []
    for candidate in dict.fromkeys(map(str, result["candidate"])):
        part = [row for row in records(result) if row["candidate"] == candidate]
        r, rmse = (np.array([row[k] for row in part], np.float64) for k in ("r", "rmse"))
        cells.append([candidate, len(part), *(Number(float(f(r))) for f in (np.min, np.median, np.max)),
                      Number(float(np.median(rmse)))])  # fmt: skip
    return cells


def weak_section(study: Study) -> Piece:
    """What the device gives the weak and the sound leg of weak bodies."""
    title = "Assistance of weak bodies"
    rows = weak_torque_rows(study)
    if not rows:
        return not_shown("weak", title, "no powered walk of a weak body without a fall")
    caption = f"Torque on the weak and the sound leg at the commanded speed nearest to {SPEED:g} m/s, mean over seeds."
    drawing = figure_weak_torques(rows)
    return Piece(
        Section("weak", title, [with_data("figures/weak_torques", drawing, caption)]),
        {"figures/weak_torques": pd.DataFrame(rows)},
    )
