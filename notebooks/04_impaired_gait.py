# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One weak muscle group, and what a learned exoskeleton does about it
#
# Question: **what do plantarflexors of half strength do to this gait, and what does the device do about it?**
#
# You will see the healthy body and one whose right plantarflexors have half their strength walk at the same speed:
# clinical signs that were written down before any training, judged yes or no with their numbers; symmetry without and
# with the device; the torque on the weak and on the sound leg; who works instead of the weak muscles; and the
# metabolic power with healthy and with shrunken muscles. Every number comes from a simulation, not from a patient:
# the same body, one parameter changed.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import SVG

from exogait.analysis import cross_correlation, judge_signs, paired_changes, symmetry_table, trend_symmetry
from exogait.analysis.report import study_figures as figures
from exogait.analysis.outcomes.signs import leg_of, read_signs, reproduced
from exogait.analysis.outcomes.walk import SYMMETRIC
from exogait.analysis.outcomes.device import device_limits
from exogait.analysis.report.figures import CONDITION_COLOURS, figure_bars, svg_text
from exogait.analysis.gait.symmetry import DEFINITIONS
from exogait.analysis.outcomes.torques import JOINTS, torque_peak
from exogait.junction.outcomes import summarise_walk
from exogait.models.deficit import load_deficit, muscle_groups
from exogait.osim_env import load_policy
from exogait.osim_env.study.plan import SearchConfig
from exogait.osim_env.gait.strategy import STRATEGY_NAMES, load_strategies
from exogait.osim_env.study.plan import (
    StudyBody,
)
from exogait.osim_env.study.run import (
    run_study,
)
from exogait.osim_env.study.plan import (
    StudyConfig,
)
from exogait.osim_env.study.files import policy_folder

# More walks are one variable away; a study takes 3 starts of 20 s and three seeds.
policies = policy_folder(os.environ.get("EXOGAIT_NOTEBOOK_POLICIES", "hip_ankle"))
starts = int(os.environ.get("EXOGAIT_NOTEBOOK_STARTS", 2))
seed, speed, seconds = 1, 1.25, 8.0
deficit, strength, side = "plantarflexors", 50.0, "right"
out = Path(tempfile.mkdtemp(prefix="exogait-notebook-"))
pd.options.display.max_columns = None

# %% [markdown]
# ## 1. The weakness
# Maximum isometric force times the strength; nothing else of the muscles changes. `exogait model list` names the other
# deficits.

# %%
weakness = load_deficit(deficit, strength=strength, side=side)
weak_leg, sound_leg = leg_of(side, "weak"), leg_of(side, "sound")
print(weakness.description)
print(", ".join(f"{muscle} {100 * share:.0f} %" for muscle, share in weakness.strength.items()))

# %% [markdown]
# ## 2. What the walker imitated, and how strongly
# The policy is rewarded for staying near healthy gait, so it cannot show every compensation that a patient finds.
# Joint angles within the dead zone of the reference cost nothing; beyond it, imitation counts (weights of
# `imitate_...` times the imitation weight). A sign that would need a larger deviation is held back by the reward, not
# refuted by the body. Within that reward each body has searched for a way of walking of its own (a *strategy*: what it
# aims for beside the reference), in each device condition with as many tries from the same start.

# %%
human = load_policy(policies / f"generalist_{seed}_human")
world, setup = human.metadata["settings"]["world"], human.metadata["settings"]["setup"]
imitation = (f"imitation weight {world['imitation_weight']:g}, "
             f"dead zone {np.rad2deg(world['imitation_dead_zone']):.1f} deg, reference {setup['reference']}")
print(imitation)
pd.Series(world["human_weights"], name="weight in the reward").to_frame()

# %% [markdown]
# ## 3. Both bodies walk in three conditions
# One human policy knows them all, under the strategy that each body found; the device is the one tuned to each body.
# *none* (no device), *unpowered* (worn, off), *powered*, from the same starts. Below: what the weak body aims for
# without the device, against the healthy one, largest first.

# %%
strategies = load_strategies(policies / f"{deficit}_strategies.json")
aims = pd.Series(strategies.at("none", strength, side) - strategies.at("none", 100.0), index=list(STRATEGY_NAMES))
aims = aims[~aims.index.str.startswith("step rate")]
np.degrees(aims).loc[aims.abs().sort_values(ascending=False).index[:8]].round(1).to_frame("degrees")

# %%
study = StudyConfig("notebook", seeds=(seed,), speeds=(speed,), starts=starts, seconds=seconds, tune="device",
                    search=SearchConfig(), bodies=(StudyBody(), StudyBody(deficit, (strength,), side)))
tables = run_study(study, out / "study", summarise_walk, policies=policies)
walks, curves = tables["walks"], tables["curves"]
walks.groupby(["body", "condition"], sort=False).agg(
    walks=("fell", "size"), fell=("fell", "sum"), strides=("strides_r", "sum"), speed=("speed_mean", "mean")
).round(3)

# %%
upright = walks[walks["fell"] == 0]
group = dict(list(upright.groupby(["body", "condition"])))
assert len(group) == 6, f"a body fell in every walk of a condition; walks that lasted: {list(group)}"
healthy, weak, assisted = group["healthy", "none"], group[deficit, "none"], group[deficit, "powered"]

# %% [markdown]
# ## 4. What the weakness does
# Without the device. Blue: the same leg of the healthy body; orange: the weak leg; green, dashed: the sound leg.

# %%
grid = (("hip_flexion", "knee_flexion", "ankle_dorsiflexion"), ("hip_power", "knee_power", "ankle_power"))
shown = {"healthy body, same leg": (healthy, weak_leg), "weak leg": (weak, weak_leg), "sound leg": (weak, sound_leg)}
figure, _ = figures.figure_walks(shown, curves, grid)
SVG(svg_text(figure, prefix="gait"))

# %% [markdown]
# **Clinical signs, judged.** Each sign is an inequality with its source (`analysis/outcomes/tables/compensations.yaml`),
# written before any body with a deficit was trained and not changed since. It holds where the weak body's mean is
# beyond the healthy mean by more than 1 SD of healthy strides, in the expected direction. Walks in a simulation vary
# little, so a small difference can exceed that threshold: read the size beside the yes.

# %%
signs = read_signs()
judged = judge_signs(walks, signs)
judged = judged[judged["deficit"] == deficit]
table = judged.assign(holds=judged["holds"].map({True: "yes", False: "no"}))
columns = ["sign", "variable", "side", "direction", "healthy_mean", "healthy_sd", "value", "threshold", "unit", "holds"]
table[[*columns, "n_walks", "remark"]].round(2).set_index("sign")

# %%
verdict = reproduced(judged, signs).iloc[0]
print(f"{verdict['n_hold']} of {verdict['n_signs']} signs hold; at least {signs.reproduced_share:.0%} are needed: "
      f"{'reproduced' if verdict['reproduced'] else 'not reproduced'}, with {imitation}")

# %% [markdown]
# **Who works instead?** Mean activation over the stride by muscle group (1 = fully active): a weak muscle has to be
# more active for the same force, and other muscles may take over.

# %%
names = [deficit, "dorsiflexors", "quadriceps", "hamstrings", "hip_flexors", "hip_extensors", "hip_abductors"]
activation = pd.DataFrame({
    label: {name: np.mean([rows[f"activation_{m}"].mean() for m in muscle_groups()[name] if m.endswith(f"_{leg}")])
            for name in names}
    for label, rows, leg in (("healthy, no device", healthy, weak_leg), ("weak leg, no device", weak, weak_leg),
                             ("weak leg, powered", assisted, weak_leg), ("sound leg, no device", weak, sound_leg))
})
activation.index = [name.replace("_", " ") for name in names]
figure, _ = figure_bars(activation, title="Muscle activity", unit="mean activation (1 = full)")
SVG(svg_text(figure, prefix="muscles"))

# %% [markdown]
# ## 5. Symmetry, without and with the device
# There is no standard index, so each is named with its sign. R and L are means over strides. Power at push-off is
# that of the muscles alone; the device's torque stands beside it in the next section.

# %%
rows = {"none": weak, "powered": assisted}
indices = {}
for condition, part in rows.items():
    right, left = ({name: part[f"{name}_{leg}"].mean() for name in SYMMETRIC} for leg in "rl")
    indices[condition] = symmetry_table(right, left, dict(SYMMETRIC)).set_index(["quantity", "unit"])
for name, definition in DEFINITIONS.items():
    print(f"{name}: {definition}")
pd.concat(indices, axis=1).round(2)

# %%
robinson = pd.DataFrame({
    "healthy, none": {name: healthy[f"{name}_si"].mean() for name in SYMMETRIC},
    **{f"weak, {condition}": part.droplevel("unit")["robinson"] for condition, part in indices.items()},
})
robinson.index = [name.replace("_", " ") for name in robinson.index]
colours = {f"weak, {condition}": CONDITION_COLOURS[condition] for condition in rows} | {"healthy, none": "#3c8d5a"}
unit = f"% (+ = right larger; right is the {'weak' if weak_leg == 'r' else 'sound'} leg)"
figure, ax = figure_bars(robinson, title="Robinson's index", unit=unit, colours=colours)
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
SVG(svg_text(figure, prefix="symmetry"))

# %% [markdown]
# Whole curves never get a point-by-point index, which explodes where they cross zero. *trend*: 0 = same shape; *phase
# shift* and *lag*: + = right later, % of the cycle; *range ratio*: 1 = same size, right over left; r: 1 = same shape.

# %%
found = {}
for condition, part in rows.items():
    for key in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion", "ankle_power", "grf_vertical"):
        right, left = (figures.mean_of_walks(part, curves, key, leg)[0] for leg in "rl")
        trend, cross = trend_symmetry(right, left), cross_correlation(right, left)
        found[key, condition] = {
            "trend_pct": trend.trend, "phase_shift_pct": trend.phase_shift_pct, "range_ratio": trend.range_ratio,
            "r": cross.r, "r_max": cross.r_max, "lag_pct": cross.lag_pct,
        }
pd.DataFrame(found).T.round(2)

# %% [markdown]
# ## 6. What the device gives each leg
# One controller drives both legs, each from its own side: it senses joints and pelvis, not strength, so what differs
# between the legs is its answer to how they move.
# Dotted: limits of the device.

# %%
torques = {
    "weak leg": figures.device_torques(assisted, curves, weak_leg),
    "sound leg": figures.device_torques(assisted, curves, sound_leg),
    "healthy body, both legs": figures.device_torques(group["healthy", "powered"], curves),
}
limits = device_limits("hip_ankle")
bounds = {joint: tuple(np.array([1, -1]) * list(limits[actuator].values()))
          for joint, actuator in (("hip", "exo_hip_flexion_r"), ("ankle", "exo_ankle_angle_r"))}
figure, _ = figures.figure_torques(torques, humans=False, limits=bounds, toe_off=assisted["stance_pct_r"].mean())
SVG(svg_text(figure, prefix="torques"))

# %%
peaks = []
for label, curves_of in torques.items():
    for joint, word, sign in (("ankle", "plantarflexion", -1.0), ("hip", "extension", -1.0), ("hip", "flexion", 1.0)):
        top = torque_peak(curves_of[joint], sign)
        peaks.append({"leg": label, "torque": f"{joint} {word}", "peak (N m/kg)": top.peak, "at (% stride)": top.time})
pd.DataFrame(peaks).pivot(index="torque", columns="leg").round(2)

# %% [markdown]
# ## 7. Metabolic power, with healthy and with shrunken muscles
# Gross, W/kg. A model of metabolic power counts muscle mass. `gross`: the weak muscles keep their mass (a nerve
# lesion of recent date); `gross_atrophied`: their mass shrinks with their strength. Both leave the activations as
# they are. `uncredited`: a muscle that lengthens is not paid for the work it absorbs.

# %%
models = ("umberger2010_uncredited", "bhargava2004_uncredited", "umberger2010", "bhargava2004")
energy = [f"{model}_{name}" for name in ("gross", "gross_atrophied") for model in models]
upright.groupby(["body", "condition"], sort=False)[["speed_mean", *energy]].mean().round(2)

# %% [markdown]
# Paired changes, powered minus reference, percent; pairs count where neither walk fell and speeds differ by 2 % at
# most, the rest is counted (`n_fell`, `n_speed`). `angle_rmse` is how far the joint angles moved (degrees).

# %%
changes = paired_changes(walks, curves).summary
keys = ["body", "reference"]
percent = changes.pivot(index=keys, columns="quantity", values="mean_pct")[energy]
facts = ["angle_rmse", "fall_rate", "fall_rate_reference", "n_pairs", "n_fell", "n_speed"]
percent.join(changes.groupby(keys)[facts].first()).round(2)

# %% [markdown]
# ## 8. The answer, with what it rests on

# %%
model = "umberger2010_uncredited_gross"
for what, after, before in (("the weakness", weak, healthy), ("the device", assisted, weak)):
    change = after[model].mean() - before[model].mean()
    faster = after["speed_mean"].mean() / before["speed_mean"].mean()
    print(f"{what} changes gross power by {change:+.2f} W/kg (no credit for braking), speed by {100 * faster - 100:+.1f} %")
closer = robinson.abs()["weak, powered"] < robinson.abs()["weak, none"]
print(f"with the device {closer.sum()} of {len(closer)} quantities are nearer to symmetry:")
print("  " + ", ".join(closer.index[closer]))
ankle = {leg: torque_peak(curves_of["ankle"], -1.0).peak for leg, curves_of in torques.items()}
print(f"peak plantarflexion torque: weak leg {ankle['weak leg']:.2f}, sound leg {ankle['sound leg']:.2f} N m/kg")
print(f"signs without the device: {verdict['n_hold']} of {verdict['n_signs']}")
print(f"all this with {imitation}; one seed, {starts} starts: another seed may find another way")

# %% [markdown]
# ## 9. What must hold
# Structure, and what weakness costs any walker; whether the gait changes, or the device helps, is not asked here.

# %%
assert set(weakness.strength) == {m for m in muscle_groups()[deficit] if m.endswith(f"_{weak_leg}")}
assert all(share == strength / 100 for share in weakness.strength.values())
assert len(judged) and (judged["remark"] == "").all(), "every sign of this deficit was judged on walks"
assert weak["umberger2010_gross"].mean() > healthy["umberger2010_gross"].mean(), "the same gait with less muscle costs more"
for part in indices.values():
    np.testing.assert_allclose(part["robinson"], 2 * part["normalized"])
    assert ((part["ratio"] > 1) == (part["robinson"] > 0)).all(), "all indices agree on which side is larger"
thin = upright[upright["body"] == deficit]
for name in ("umberger2010", "bhargava2004"):
    assert (thin[f"{name}_gross_atrophied"] < thin[f"{name}_gross"]).all(), "less muscle, less cost, same activation"
off = walks[walks["condition"] != "powered"]
assert (off[[f"{actuator}_mean_abs" for actuator in limits]] == 0).all(axis=None), "a device that is off gives nothing"
for curves_of in torques.values():
    for joint, curve in curves_of.items():
        up, down = bounds[joint]
        assert (curve <= up + 1e-6).all() and (curve >= down - 1e-6).all(), f"{JOINTS[joint]} stays within its limits"
