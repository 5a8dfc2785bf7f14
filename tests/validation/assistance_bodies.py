"""Results of assistance on weak bodies: torque, cost, symmetry, clinical signs, imitation weights, variants.

Rules, fixed before any of these walks was looked at: deficits are judged at their weakest strength, against walks of
the same body without the device. Symmetry gains where the mean magnitude of the six indices of
:data:`exogait.analysis.outcomes.walk.ASYMMETRY` falls by more than twice its stride-to-stride SD (root mean square
of the SDs of both conditions' walks); every single index is printed beside it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from exogait.analysis.outcomes.paired import paired_changes
from exogait.analysis.outcomes.signs import judge_signs, leg_of, read_signs, records, reproduced
from exogait.analysis.outcomes.walk import ASYMMETRY
from exogait.models.energetics import HEADLINE, SAVINGS
from tests.validation.assistance_healthy import CHANGES, in_all, over_seeds, shown, up
from tests.validation.sections import ABOUT_ACCOUNTINGS, markdown_table
from tests.validation.walking_world import MAIN_SPEED, Aim, Found

SINGLE = ("plantarflexors", "dorsiflexors", "quadriceps", "hip_flexors", "hip_extensors", "hip_abductors")
"""The six deficits of one muscle group; hemiparetic weakens several."""
NEEDED = 4
PUBLISHED = (
    "arXiv 2602.18862, right leg at 50% strength with an ankle exoskeleton: ankle range-of-motion SI 25.8% → 18.5%"
)
FRAGILE = (
    "Devices that treat the two legs differently, as cheap to walk with, left a gain with plantarflexors only "
    "(docs/training.md, Which leg is weak): the smaller gains are no property of the deficit alone."
)


def _bodies(walks: pd.DataFrame) -> list[tuple[str, float, str]]:
    """Weak bodies, strong before weak."""
    weak = walks[walks["body"] != "healthy"]
    found = {(str(b), float(s), str(d)) for b, s, d in zip(weak["body"], weak["strength"], weak["side"], strict=True)}
    names = list(dict.fromkeys(map(str, weak["body"])))
    return sorted(found, key=lambda body: (names.index(body[0]), -body[1]))


def _name(body: str, strength: float) -> str:
    return body if body == "healthy" else f"{body.replace('_', ' ')} {strength:g}%"


def weak_bodies(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """Torque of weak and sound side, cost and symmetry of every deficit."""
    bodies = _bodies(walks)
    changes = {
        (r["body"], r["strength"], r["quantity"]): r
        for r in records(paired_changes(walks, curves).summary)
        if r["reference"] == "none" and r["speed_commanded"] == MAIN_SPEED
    }
    weakest = {body: min(s for b, s, _ in bodies if b == body) for body, _, _ in bodies}
    torque, cost, symmetry = [], [], []
    cheaper, gained, sided = set(), set(), set()
    for body, strength, side in bodies:
        at = {"body": body, "strength": strength, "speed_commanded": MAIN_SPEED}
        walked = {c: up(walks, condition=c, **at) for c in ("none", "unpowered", "powered")}
        counts = {c: int((walks[(walks["body"] == body) & (walks["strength"] == strength)
                                & (walks["condition"] == c)])["fell"].sum()) for c in walked}  # fmt: skip
        on, none = walked["powered"], walked["none"]
        weak, sound = leg_of(side, "weak"), leg_of(side, "sound")
        line: list[object] = [_name(body, strength)]
        for drive in ("hip_flexion", "ankle_angle"):
            a, b = (f"exo_{drive}_{leg}_mean_abs" for leg in (weak, sound))
            if a in on.columns and len(on):
                each = (on[a] - on[b]).groupby(on["seed"]).mean()
                sd = float(each.std(ddof=1)) if len(each) > 1 else float("nan")
                share = 100.0 * each.mean() / (0.5 * (on[a].mean() + on[b].mean()))
                line += [f"{on[a].mean():.3f} / {on[b].mean():.3f}",
                         f"{shown(float(each.mean()), sd, 3, sign=True)} ({share:+.0f}%)"]  # fmt: skip
                if strength == weakest[body] and abs(each.mean()) > (sd if np.isfinite(sd) else 0.0):
                    sided.add(body)
            else:
                line += ["–", "–"]
        torque.append(line)
        found = {name: row for (b, s, name), row in changes.items() if (b, s) == (body, strength)}
        thin, saved = found.get(f"{SAVINGS}_gross_atrophied", {}), found.get(f"{SAVINGS}_gross", {})
        mean = saved.get("mean_pct", float("nan"))
        if strength == weakest[body] and mean < 0:
            cheaper.add(body)
        cost.append([
            _name(body, strength),
            *(shown(*over_seeds(walked[c], f"{HEADLINE}_gross"), digits=2) for c in walked),
            *in_all(found),
            f"{shown(over_seeds(none, f'{HEADLINE}_gross_atrophied')[0], digits=2)}, "
            f"{shown(thin.get('mean_pct', float('nan')), sign=True)}%",
            shown(saved.get("angle_rmse", float("nan"))),
            " / ".join(map(str, counts.values())), saved.get("n_pairs", 0),
        ])  # fmt: skip
        gain, noise = _gain(none, on)
        if strength == weakest[body] and gain > 2 * noise:
            gained.add(body)
        symmetry.append([
            _name(body, strength),
            f"{shown(over_seeds(none, 'asymmetry')[0])} → {shown(over_seeds(on, 'asymmetry')[0])}",
            shown(gain, sign=True), shown(2 * noise), "yes" if gain > 2 * noise else "no",
            *(f"{shown(over_seeds(none, f'{q}_si')[0], sign=True)} → {shown(over_seeds(on, f'{q}_si')[0], sign=True)}"
              for q in ASYMMETRY),
        ])  # fmt: skip
    single = [body for body in SINGLE if body in weakest]
    aims = [
        Aim("torque of the weak and the sound side differ by more than the SD of the seeds, weakest strength",
            f"{len(sided)} of {len(weakest)} deficits", "differ", len(sided) == len(weakest)),
        Aim("cheaper with the device on, weakest strength", f"{len(cheaper)} of {len(weakest)} deficits", "all",
            len(cheaper) == len(weakest)),
        Aim("symmetry gain beyond 2 SD of the strides (mean of six indices), weakest strength",
            f"{len(gained & set(single))} of {len(single)} deficits of one group"
            + (", hemiparetic " + ("yes" if "hemiparetic" in gained else "no") if "hemiparetic" in weakest else ""),
            f"{NEEDED} of 6", len(gained & set(single)) >= NEEDED),
    ]  # fmt: skip
    parts = [
        "Right side weak, 1.25 m/s. Mean absolute torque over the stride, N m/kg, weak / sound leg, and weak "
        "minus sound "
        "(± SD between seeds, and as a share of their mean).\n\n"
        + markdown_table(["body", "hip weak / sound", "difference", "ankle weak / sound", "difference"], torque),
        f"Gross metabolic power (W/kg, muscles keep their healthy mass) and its paired change against no device. "
        f"{ABOUT_ACCOUNTINGS} *Atrophied*: the same walks with muscle mass in proportion to strength.\n\n"
        + markdown_table(["body", "none", "worn, off", "powered", *CHANGES, "atrophied: none, change",
                          "angles change, deg", "falls none / off / on", "pairs"], cost),
        "Symmetry: mean magnitude of the six indices (%, 0 is symmetric) without → with the device, its gain, "
        "twice the "
        "stride-to-stride SD; then every index, signed (100 (R - L) / (0.5 (R + L)), Robinson 1987: + = right, "
        "weak side "
        f"larger). Published case: {PUBLISHED}. {FRAGILE}\n\n"
        + markdown_table(["body", "asymmetry", "gain", "2 SD", "beyond", *(q.replace("_", " ") for q in ASYMMETRY)],
                         symmetry),
    ]  # fmt: skip
    return aims, "\n\n".join(parts)


def _gain(none: pd.DataFrame, on: pd.DataFrame) -> tuple[float, float]:
    """How much the asymmetry falls from a walk to its partner, mean over seeds, and its SD between strides."""
    keys = ["seed", "strength", "start"]
    none = none.merge(on[keys], on=keys)
    on = on.merge(none[keys], on=keys)
    a, b = over_seeds(none, "asymmetry")[0], over_seeds(on, "asymmetry")[0]
    spread = np.concatenate([none["asymmetry_sd"].to_numpy(float), on["asymmetry_sd"].to_numpy(float)])
    spread = spread[np.isfinite(spread)]
    return a - b, float(np.sqrt(np.mean(spread**2))) if len(spread) else float("nan")


def signs(walks: pd.DataFrame) -> Found:
    """Clinical signs written down before the training, on walks without the device."""
    written = read_signs()
    judged = judge_signs(walks, written)
    verdicts = records(reproduced(judged, written))
    weakest = {v["deficit"]: min(x["strength"] for x in verdicts if x["deficit"] == v["deficit"]) for v in verdicts}
    head = [v for v in verdicts if v["strength"] == weakest[v["deficit"]]]
    single = [v for v in head if v["deficit"] in SINGLE]
    held = sum(bool(v["reproduced"]) for v in single)
    aims = [Aim("deficits whose written-down signs appear (half of them or more), weakest strength",
                f"{held} of {len(single)} deficits of one group", f"{NEEDED} of 6", held >= NEEDED)]  # fmt: skip
    rows = []
    for row in records(judged):
        rows.append([
            _name(row["deficit"], row["strength"]) if np.isfinite(row["strength"]) else row["deficit"], row["sign"],
            f"{row['variable'].replace('_', ' ')}, {row['side']} leg", row["direction"],
            f"{shown(row['healthy_mean'], row['healthy_sd'], 2)}", shown(row["value"], digits=2), row["unit"],
            "yes" if row["holds"] else "no", row["remark"],
        ])  # fmt: skip
    summary = "; ".join(f"{_name(v['deficit'], v['strength'])}: {v['n_hold']} of {v['n_signs']}" for v in verdicts)
    text = (
        "`analysis/outcomes/tables/compensations.yaml`, committed before the training; judged without the device; "
        "threshold 1 SD "
        f"of the healthy strides. {summary}.\n\n"
    )
    header = ["body", "sign", "variable", "expected", "healthy", "weak body", "unit", "holds", ""]
    return aims, text + markdown_table(header, rows)


def imitation(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """The same searches and fine-tunes at other imitation weights."""
    names = ["imitation 1.0", "main", "imitation 0"]
    bodies = sorted({str(b) for b in walks[walks["variant"] == "imitation 0"]["body"]})
    if not bodies:
        return [], ""
    rows = []
    beyond: set[tuple[str, str]] = set()
    seeds = walks[walks["variant"] == "imitation 0"]["seed"].unique()
    walks = pd.DataFrame(walks[walks["seed"].isin(seeds)])
    for body in bodies:
        for strength in sorted(walks[walks["body"] == body]["strength"].unique(), reverse=True):
            for name in names:
                part = pd.DataFrame(walks[(walks["variant"] == name) & (walks["body"] == body)
                                          & (walks["strength"] == strength)])  # fmt: skip
                if part.empty:
                    continue
                summary = {r["quantity"]: r for r in records(paired_changes(part, curves).summary)
                           if r["reference"] == "none" and r["speed_commanded"] == MAIN_SPEED}  # fmt: skip
                none, on = up(part, condition="none"), up(part, condition="powered")
                gain, noise = _gain(none, on)
                if gain > 2 * noise:
                    beyond.add((name, _name(body, float(strength))))
                rows.append([
                    _name(body, float(strength)), f"{part['imitation_weight'].iloc[0]:g}", part["seed"].nunique(),
                    *in_all(summary),
                    f"{shown(over_seeds(none, 'asymmetry')[0])} → {shown(over_seeds(on, 'asymmetry')[0])}",
                    f"{shown(gain, sign=True)} / {shown(2 * noise)}",
                    shown(summary[f"{SAVINGS}_gross"]["angle_rmse"]),
                    f"{int(part['fell'].sum())} of {len(part)}",
                ])  # fmt: skip
    lost = sorted({r[0] for r in rows if r[1] == "0" and not str(r[3]).startswith("-")})
    note = f"Savings that vanish at weight 0: {', '.join(lost)}." if lost else "No saving vanishes at weight 0."
    gained = sorted(body for name, body in beyond if name == "main")
    lost = [body for body in gained if ("imitation 0", body) not in beyond]
    if gained:
        note += f" Symmetry gains beyond 2 SD that vanish at weight 0: {', '.join(lost) or 'none'}."
    header = ["body", "imitation weight", "seeds", *CHANGES, "asymmetry none → on", "gain / 2 SD",
              "angles change, deg", "falls"]  # fmt: skip
    return [], (
        "The weight of all imitation terms in the human's reward, by which bodies search for their way of walking; 0 "
        "switches them off. The reference never limps. Weight 0.3 is the study's own (its search served all seeds, "
        "those at 1 and 0 the one shown). At weight 0 leaving the known gait has no price, either.\n\n"
        + f"{note}\n\n"
        + markdown_table(header, rows)
    )


def variants(walks: pd.DataFrame, curves: pd.DataFrame) -> Found:
    """Elastic tendons, the prescribed profile: the healthy headline once more."""
    rows = []
    aims: list[Aim] = []
    for name in ["main", *(n for n in dict.fromkeys(map(str, walks["variant"])) if n != "main")]:
        part = pd.DataFrame(walks[(walks["variant"] == name) & (walks["body"] == "healthy")
                                  & (walks["speed_commanded"] == MAIN_SPEED)])  # fmt: skip
        if part.empty:
            continue
        by = {(r["reference"], r["quantity"]): r for r in records(paired_changes(part, curves).summary)}
        against = by["none", f"{SAVINGS}_gross"]
        rows.append([
            name, part["seed"].nunique(),
            *(shown(*over_seeds(up(part, condition=c), f"{HEADLINE}_gross"), digits=2)
              for c in ("none", "unpowered", "powered")),
            *in_all({name: row for (reference, name), row in by.items() if reference == "none"}),
            shown(against["angle_rmse"]),
            f"{int(part['fell'].sum())} of {len(part)}",
        ])  # fmt: skip
        if "tendon" in name.lower():
            aims.append(Aim(f"the headline with {name}, {MAIN_SPEED:g} m/s",
                            f"{shown(against['mean_pct'], sign=True)}%", "lower than without",
                            against["mean_pct"] < 0))  # fmt: skip
    header = ["variant", "seeds", "none W/kg", "worn, off", "powered", *CHANGES, "angles change, deg",
              "falls"]  # fmt: skip
    return aims, (
        "Healthy body, 1.25 m/s. *Elastic Achilles tendons*: the human, in all conditions, and then the device learn "
        "on. *Unadapted*: the healthy policy, which never wore a device; only the device is tuned to it. *By time*: "
        "the published profile of human-in-the-loop optimisation over the stride, timed by the last heel strikes.\n\n"
        + markdown_table(header, rows)
    )
