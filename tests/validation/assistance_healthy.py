"""Results of assistance on the healthy body: devices, metabolic power over speed, torque against people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.analysis.outcomes.paired import paired_changes
from exogait.analysis.outcomes.signs import records
from exogait.analysis.outcomes.tables import curve_matrix, seed_curves
from exogait.analysis.outcomes.torques import (
    JOINTS,
    MOMENTS,
    agreement_summary,
    compare_baselines,
    compare_profiles,
    crossover,
    human_agreement,
    torque_peak,
)
from exogait.data.trial import SIDES
from exogait.models.energetics import ACCOUNTINGS, HEADLINE, SAVINGS, UNCREDITED
from tests.validation.sections import ABOUT_ACCOUNTINGS, markdown_table
from tests.validation.walking_world import MAIN_SPEED, Aim, Found

Array = NDArray[np.float64]
Tables = tuple[pd.DataFrame, pd.DataFrame]

CHANGES = ("no credit %: Umberger / Bhargava / OpenSim's probe", "with credit %: the same")
"""Heads of the columns that :func:`in_all` fills."""
LARGE = -35.0
"""A saving beyond this many percent wants an explanation before it is believed."""
WINDOWS = {
    "ankle plantarflexion peak": (47.0, 58.0),
    "hip extension peak": (5.0, 18.0),
    "hip crossover": (28.0, 42.0),
    "hip flexion peak": (60.0, 72.0),
}
"""Percent of the stride within which human-validated profiles have these."""


def shown(mean: float, sd: float | None = None, digits: int = 1, sign: bool = False) -> str:
    """A number and its SD as text; a dash where there is none."""
    if not np.isfinite(mean):
        return "–"
    text = f"{mean:{'+' if sign else ''}.{digits}f}"
    return text if sd is None or not np.isfinite(sd) else f"{text} ± {sd:.{digits}f}"


def in_all(changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Changes of the gross rate in every accounting, %: without credit for eccentric work, with; SDs between seeds.

    Args:
        changes: Quantity to its row of the paired changes.
    """
    cells = []
    for ending in (UNCREDITED, ""):
        rows = [changes.get(f"{name}{ending}_gross", {}) for name in ACCOUNTINGS if not name.endswith(UNCREDITED)]
        texts = [shown(row.get("mean_pct", np.nan), row.get("sd_seeds_pct"), sign=True) for row in rows]
        cells.append(" / ".join(texts))
    return cells


def over_seeds(table: pd.DataFrame, column: str) -> tuple[float, float]:
    """Mean and SD of the seeds' means; the SD is NaN for one seed."""
    if table.empty or column not in table.columns:
        return float("nan"), float("nan")
    means = table.groupby("seed")[column].mean().dropna()
    return float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else float("nan")


def up(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Walks that did not fall, with these settings."""
    keep = table["fell"] == 0
    for name, value in wanted.items():
        keep &= table[name] == value
    return pd.DataFrame(table[keep])


def healthy(table: pd.DataFrame) -> pd.DataFrame:
    """Walks of the healthy body."""
    return pd.DataFrame(table[table["body"] == "healthy"])


def devices(by_device: Mapping[str, Tables], wanted: Sequence[str]) -> Found:
    """One configuration on several devices."""
    rows, works = [], []
    for name in wanted:
        if name not in by_device:
            rows.append([name, *["not trained"] * 7])
            works.append(False)
            continue
        walks, curves = by_device[name]
        change = _summary(walks, curves, "none", MAIN_SPEED)
        none, on = (up(walks, condition=c, speed_commanded=MAIN_SPEED) for c in ("none", "powered"))
        fell = int(walks["fell"].sum())
        limit = on[[c for c in on.columns if c.endswith("_at_limit")]].mean().max() if len(on) else float("nan")
        saved = change.get(f"{SAVINGS}_gross", {}).get("mean_pct", float("nan"))
        works.append(bool(saved < 0) and fell == 0)
        torque = [
            f"{c.removeprefix('exo_').removesuffix('_mean_abs')} {on[c].mean():.2f}"
            for c in on.columns if c.endswith("_r_mean_abs") and on[c].notna().any()
        ]  # fmt: skip
        rows.append([
            name, shown(none[f"{HEADLINE}_gross"].mean(), digits=2), shown(on[f"{HEADLINE}_gross"].mean(), digits=2),
            *in_all(change), ", ".join(torque), shown(limit, digits=0),
            f"{fell} of {len(walks)}",
        ])  # fmt: skip
    aims = [Aim("devices that one configuration trains: no fall, cheaper than without", f"{sum(works)} of {len(works)}",
                f"{len(works)}", all(works))]  # fmt: skip
    header = ["device", "none W/kg", "powered W/kg", *CHANGES, "mean torque, right, N m/kg",
              "most at limit, % of cycle", "falls"]  # fmt: skip
    text = (
        "`exogait study devices --device NAME`: the configuration `device`, one seed: the device alone learns for 0.25 "
        "million control steps what helps the healthy policy, which stays as it is; between the rows nothing but the "
        "device file differs. Healthy body, 1.25 m/s. `knee_slow` is `knee` with 60% of the torque and 40 ms "
        "delay.\n\n"
    )
    return aims, text + markdown_table(header, rows)


def _summary(walks: pd.DataFrame, curves: pd.DataFrame, reference: str, speed: float) -> dict[str, dict[str, Any]]:
    """Rows of the paired changes of the healthy body at one speed, by quantity."""
    rows = records(paired_changes(healthy(walks), curves).summary)
    return {r["quantity"]: r for r in rows if r["reference"] == reference and r["speed_commanded"] == speed}


def cost(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """Metabolic power of the healthy body over speed."""
    own = healthy(walks)
    changes = paired_changes(own, curves)
    rows, saved = [], {}
    for speed in sorted(own["speed_commanded"].unique()):
        by = {
            reference: {r["quantity"]: r for r in records(changes.summary)
                        if r["reference"] == reference and r["speed_commanded"] == speed}
            for reference in ("none", "unpowered")
        }  # fmt: skip
        against = by["none"][f"{SAVINGS}_gross"]
        saved[speed] = against
        line: list[object] = [f"{speed:g}"]
        for condition in ("none", "unpowered", "powered"):
            part = up(own, condition=condition, speed_commanded=speed)
            strides = part[f"{HEADLINE}_gross_sd"].mean() if len(part) else float("nan")
            line.append(f"{shown(*over_seeds(part, f'{HEADLINE}_gross'), digits=2)} / {shown(strides, digits=2)}")
        powered = up(own, condition="powered", speed_commanded=speed)
        none = up(own, condition="none", speed_commanded=speed)
        line.append(f"{shown(over_seeds(none, f'{HEADLINE}_cost')[0], digits=2)} → "
                    f"{shown(over_seeds(powered, f'{HEADLINE}_cost')[0], digits=2)}")  # fmt: skip
        off = by["unpowered"][f"{SAVINGS}_gross"]
        line += [*in_all(by["none"]), shown(off["mean_pct"], off["sd_seeds_pct"], sign=True)]
        falls = [int(own[(own["condition"] == c) & (own["speed_commanded"] == speed)]["fell"].sum())
                 for c in ("none", "unpowered", "powered")]  # fmt: skip
        line += [shown(against["angle_rmse"]), " / ".join(map(str, falls)), f"{against['n_pairs']}",
                 f"{against['n_fell']} / {against['n_speed']}"]  # fmt: skip
        rows.append(line)
    aims = []
    lower = [row["mean_pct"] < 0 for row in saved.values()]
    values = ", ".join(f"{v:g} m/s {shown(r['mean_pct'], sign=True)}%" for v, r in saved.items())
    what = "gross metabolic power with the device on against none, no credit for eccentric work"
    aims.append(Aim(what, values, "lower at every speed", all(lower)))
    row = saved.get(MAIN_SPEED)
    if row is not None:
        pairs = changes.pairs
        seeds = pairs[(pairs["reference"] == "none") & (pairs["speed_commanded"] == MAIN_SPEED)]
        each = ", ".join(shown(v, sign=True) for v in seeds.groupby("seed")[f"{SAVINGS}_gross_pct"].mean())
        mean, sd = row["mean_pct"], row["sd_seeds_pct"]
        aims += [
            Aim(f"the same at {MAIN_SPEED:g} m/s, mean of the seeds ({each})", f"{shown(mean, sign=True)}%",
                "-10% or more", mean <= -10.0),
            Aim("its SD between seeds", f"{shown(sd)} points", f"below a third of it ({shown(abs(mean) / 3)})",
                bool(np.isfinite(sd) and sd < abs(mean) / 3)),
            Aim("a saving too large to believe unexplained", f"{shown(mean, sign=True)}%",
                f"not beyond {LARGE:g}%",
                mean > LARGE),
        ]  # fmt: skip
    walked = own[own["fell"] == 0]
    aims.append(Aim("largest error of the mean speed of a walk that lasted",
                    f"{walked['speed_error_pct'].abs().max():.1f}%", "2%",
                    bool(walked["speed_error_pct"].abs().max() <= 2.0)))  # fmt: skip
    header = ["m/s", "none W/kg", "worn, off W/kg", "powered W/kg", "J/kg/m",
              *(f"against none, {head}" for head in CHANGES), "against off %, no credit",
              "angles change, deg", "falls none / off / on", "pairs", "left out fell / speed"]  # fmt: skip
    text = (
        f"Gross rates, basal rate included, per kg of the person. {ABOUT_ACCOUNTINGS} "
        "Mean ± SD between seeds / mean SD between the strides of a walk. Changes are paired by seed and "
        "start; pairs count where neither walk fell and the speeds differ by 2% at most. "
        "Angles: RMSE between the mean curves of hip, knee and ankle with and without.\n\n"
    )
    return aims, text + markdown_table(header, rows)


def torques(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """Learned torque of the healthy body against every human profile."""
    own = healthy(walks)
    on = up(own, condition="powered", speed_commanded=MAIN_SPEED)
    none = up(own, condition="none", speed_commanded=MAIN_SPEED)
    aims: list[Aim] = []
    parts, events = [], []
    for joint in ("ankle", "hip"):
        seeds = seed_curves(on, curves, f"device_{JOINTS[joint]}")
        key, factor = MOMENTS[joint]
        moments = seed_curves(none, curves, key)
        if not seeds or not moments:
            aims.append(Aim(f"{joint} torque against people", "no walk", "", False))
            continue
        torque = np.mean(list(seeds.values()), axis=0)
        moment = factor * np.mean(list(moments.values()), axis=0)
        compared = compare_profiles(torque, joint)
        baselines = records(compare_baselines(torque, moment, joint))
        r_of = {(r["candidate"], r["profile"]): r["r"] for r in baselines}
        known = [r for r in records(compared) if np.isfinite(r["r"])]
        rows = []
        for r in known:
            if r["kind"] == "person":
                continue
            each = [compare_profiles(curve, joint) for curve in seeds.values()]
            own_r = [float(t.loc[t["profile"] == r["profile"], "r"].iloc[0]) for t in each]
            rows.append([
                r["profile"], r["trust"], shown(r["r"], digits=2), ", ".join(shown(v, digits=2) for v in own_r),
                shown(r["rmse"], digits=2),
                f"{shown(r['human_r_min'], digits=2)} to {shown(r['human_r_max'], digits=2)}",
                "–" if r["inside"] is None else "yes" if r["inside"] else "no",
                shown(r_of["scaled moment", r["profile"]], digits=2),
                shown(r_of["scaled moment, best lag", r["profile"]], digits=2),
            ])  # fmt: skip
        people = [r for r in known if r["kind"] == "person"]
        if people:
            values = np.array([r["r"] for r in people])
            other = np.array([r_of["scaled moment", r["profile"]] for r in people])
            rows.append([f"{len(people)} persons (median, range)", "C",
                         f"{np.median(values):.2f} ({values.min():.2f}–{values.max():.2f})", "", "", "",
                         f"{sum(bool(r['inside']) for r in people)} yes", f"{np.median(other):.2f}", ""])  # fmt: skip
        judged = [r for r in known if r["inside"] is not None]
        inside = sum(bool(r["inside"]) for r in judged)
        aims.append(Aim(f"{joint} torque: r inside the range that human profiles show among themselves",
                        f"{inside} of {len(judged)} profiles", "all", inside == len(judged)))  # fmt: skip
        best = max(known, key=lambda r: r["r"])
        aims.append(Aim(f"{joint} torque: r with the best human profile, no lag ({best['profile']})",
                        shown(best["r"], digits=2), "0.9", best["r"] >= 0.9))  # fmt: skip
        outside = [r for r in judged if not r["inside"]]
        above = sum(r["r"] > r_of["scaled moment", r["profile"]] for r in known)
        needed = [r for r in outside if not r["r"] > r_of["scaled moment", r["profile"]]]
        aims.append(Aim(f"{joint} torque: more like people than the scaled biological moment",
                        f"{above} of {len(known)} profiles; of those outside the range {len(outside) - len(needed)} of "
                        f"{len(outside)}", "where not inside", not needed))  # fmt: skip
        agreement = agreement_summary(human_agreement(joint))
        among = "; ".join(f"{r['kind']}: {r['r_min']:.2f} to {r['r_max']:.2f} ({r['n_pairs']} pairs)"
                          for r in records(agreement))  # fmt: skip
        header = ["profile", "trust", "r", "r of each seed", "RMSE N m/kg", "humans among themselves", "inside",
                  "scaled moment r", "best lag r"]  # fmt: skip
        parts.append(
            f"{joint.capitalize()}; human profiles among themselves, {among}.\n\n" + markdown_table(header, rows)
        )
        if joint == "ankle":
            peak = torque_peak(torque, -1.0)
            events.append(("ankle plantarflexion peak", peak.time, peak.peak))
        else:
            low, high = torque_peak(torque, -1.0), torque_peak(torque, 1.0)
            events += [("hip extension peak", low.time, low.peak), ("hip crossover", crossover(torque), np.nan),
                       ("hip flexion peak", high.time, high.peak)]  # fmt: skip
    for name, at, size in events:
        low, high = WINDOWS[name]
        text = f"{at:.0f}%" + (f" ({size:.2f} N m/kg)" if np.isfinite(size) else "")
        aims.append(Aim(f"{name}", text, f"{low:g}-{high:g}% of the cycle", bool(low <= at <= high)))
    limit = {c: on[c].mean() for c in on.columns if c.endswith("_at_limit") and on[c].notna().any()}
    if limit:
        worst = max(limit.values())
        aims.append(Aim("share of the cycle at the device's limit, worst drive", f"{worst:.1f}%",
                        "peaks off the limit",
                        worst < 0.5))  # fmt: skip
        words = ", ".join(f"{c.removeprefix('exo_').removesuffix('_at_limit')} {v:.1f}%" for c, v in limit.items())
        gives, takes = (shown(*over_seeds(on, f"exo_{name}_power"), digits=2) for name in ("positive", "negative"))
        parts.append(
            f"At the limit: {words}. Device power, all drives: positive {gives} W/kg, negative {takes} W/kg. r, RMSE "
            "and times are those of the seeds' mean curve, both legs, without lag, scale or offset. Franks' profiles "
            "are rebuilt from third-party scripts and not verified against the paper (trust B)."
        )
    return aims, "\n\n".join(parts)


def optimum(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """The learned torque beside OpenSim MocoInverse's on the same kinematics."""
    from exogait.analysis.opensim_tools.moco_table import TABLE, optimum_curve, read_optimum

    if not TABLE.is_file():
        return [], "Not computed."
    table = read_optimum(TABLE)
    rows = []
    for key, part in table.groupby(["body", "strength", "side"], sort=False):
        body, strength, side = key  # type: ignore[misc]
        on = up(walks, condition="powered", speed_commanded=MAIN_SPEED, body=body)
        on = on if body == "healthy" else pd.DataFrame(on[(on["strength"] == strength)])
        for joint in ("ankle", "hip"):
            for leg in SIDES:
                column = f"{JOINTS[joint]}_{leg}"
                if column not in part.columns:
                    continue
                best = optimum_curve(table, body=body, strength=strength, side=side, torque=column)
                values = curve_matrix(on, curves, f"device_{JOINTS[joint]}", leg)[1]
                values = values[np.isfinite(values).all(axis=1)] if len(values) else values
                learned = values.mean(axis=0) if len(values) else np.full(101, np.nan)
                r = float(np.corrcoef(best, learned)[0, 1]) if np.isfinite(learned).all() else float("nan")
                down, upward = torque_peak(best, -1.0), torque_peak(best, 1.0)
                rows.append([
                    f"{body} {strength:g}%" if body != "healthy" else body, joint, leg, shown(r, digits=2),
                    f"{down.peak:.2f} @ {down.time:.0f}%", f"{upward.peak:.2f} @ {upward.time:.0f}%",
                    shown(float(np.abs(best).mean()), digits=2), shown(float(np.abs(learned).mean()), digits=2),
                ])  # fmt: skip
    header = ["body", "joint", "leg", "r with learned", "negative peak N m/kg", "positive peak N m/kg",
              "mean size, optimum", "mean size, learned"]  # fmt: skip
    notes = "\n".join(f"- {label}: {note}" for label, note in table.attrs["notes"].items())
    text = (
        "OpenSim MocoInverse (`exogait optimum`): same drives, one stride of the walk without the device, kinematics "
        "fixed, least sum of squared controls. What a device could take over without the body changing its gait.\n\n"
    )
    return [], f"{text}{markdown_table(header, rows)}\n\n{notes}"
