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
# # Does a learned hip-ankle exoskeleton save energy, and how does it do it?
#
# Question: **does a controller that was taught nothing but to save energy do so, what torque does it give, and is that
# the torque that people chose in human-in-the-loop experiments?**
#
# You will see one healthy body walk without the device, with it worn but off, and with it on, always from the same
# starts; its metabolic power by two models beside the change of its gait and its falls; the torque over the stride
# beside the human profiles and beside a scaled joint moment; and the assisted walk as files for the OpenSim GUI.
# Every number comes from a simulation, not from a person.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import SVG

from exogait.analysis import paired_changes, walk_outcomes
from exogait.analysis.report import study_figures as figures
from exogait.analysis.outcomes.device import device_limits
from exogait.analysis.report.figures import CONDITION_COLOURS, figure_bars, svg_text
from exogait.analysis.lab.simulated import write_simulation
from exogait.analysis.outcomes.torques import agreement_summary, compare_baselines, compare_profiles, human_agreement
from exogait.junction.outcomes import summarise_walk
from exogait.models.device import load_device
from exogait.osim_env import WorldSetup, load_policy, replay, simulate
from exogait.osim_env.viewing.opensim_files import write_controls, write_states
from exogait.osim_env.study.plan import SearchConfig
from exogait.osim_env.learning.simulation import place_model
from exogait.osim_env.gait.strategy import load_strategies
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

# More walks are one variable away; a study takes 3 starts of 20 s, five speeds and three seeds.
policies = policy_folder(os.environ.get("EXOGAIT_NOTEBOOK_POLICIES", "hip_ankle"))
starts = int(os.environ.get("EXOGAIT_NOTEBOOK_STARTS", 2))
seed, speeds, seconds = 1, (1.0, 1.25), 8.0
out = Path(tempfile.mkdtemp(prefix="exogait-notebook-"))
pd.options.display.max_columns = None

# %% [markdown]
# ## 1. What the device can do, what it senses, and what it does not
# Motors at both hips and ankles. Its mass is carried by the body.

# %%
device = load_device("hip_ankle")
limits = device_limits("hip_ankle")
print(f"{device.name}: {device.mass:.1f} kg, torque arrives {1000 * device.delay:.0f} ms after its command")
for actuator in ("exo_hip_flexion_r", "exo_ankle_angle_r"):
    print(f"  {actuator}: " + ", ".join(f"{word} up to {peak:g} N m/kg" for word, peak in limits[actuator].items()))

human, controller = load_policy(policies / f"generalist_{seed}_human"), load_policy(policies / f"{seed}-healthy_device")
channels = controller.metadata["device_observations"]
print(f"\nIt senses {len(channels)} channels, with their history {controller.n_observations} numbers:")
print(", ".join(channels))

# %% [markdown]
# It does *not* sense the phase of the stride, heel strikes, the speed that is asked for, muscles, net joint moments,
# or its wearer's metabolic power. The last one it is paid for in training, `device_effort` below. No human torque is
# in any reward. What is human is the motion that the muscles are paid to stay near, with the weight and the dead zone
# below.

# %%
world = human.metadata["settings"]["world"]
print("reward of the device, weight by term:", world["device_weights"])
print("reward of the muscles, imitate_... times the imitation weight:", world["human_weights"])
dead_zone = np.rad2deg(world["imitation_dead_zone"])
print(f"imitation weight {world['imitation_weight']:g}, angles within {dead_zone:.1f} deg of the reference are free")

# %% [markdown]
# ## 2. The same body in three conditions
# *none*: no device. *unpowered*: worn and off, so its mass alone. *powered*: on. Muscles and device are the same two
# networks throughout; starts are paired. What differs beside the device is what the body aims for: in each condition
# it has searched for a way of walking of its own, with as many tries. The whole study, from the command line:
#
# ```sh
# exogait study hip_ankle --policies hip_ankle --out FOLDER
# ```

# %%
study = StudyConfig("notebook", seeds=(seed,), bodies=(StudyBody(),), speeds=speeds, starts=starts, seconds=seconds,
                    tune="device", search=SearchConfig())
tables = run_study(study, out / "study", summarise_walk, policies=policies)
walks, curves = tables["walks"].sort_values("speed_commanded", kind="stable"), tables["curves"]
walks.groupby(["speed_commanded", "condition"], sort=False).agg(
    walks=("fell", "size"), fall_rate=("fell", "mean"), strides=("strides_r", "sum"), speed=("speed_mean", "mean")
).round(3)

# %% [markdown]
# ## 3. Energy
# Gross metabolic power (basal rate included) of the muscles by Umberger 2010 and Bhargava 2004, per kg of the person:
# the device is carried, not counted. These are equations on simulated muscles, not gas exchange: the two models
# differ in absolute value, so read the change. Muscle masses come from anatomy. A saving is told without credit for
# eccentric work (`uncredited`): a muscle that brakes the device is not paid for it. Walks that fell are left out.

# %%
upright = walks[walks["fell"] == 0]
models = ("umberger2010_uncredited", "bhargava2004_uncredited", "umberger2010", "bhargava2004")
energy = [f"{model}_{name}" for name in ("gross", "cost") for model in models]
mean = upright.groupby(["speed_commanded", "condition"], sort=False)[["speed_mean", *energy]].mean()
bars = mean[energy[:2]].stack().unstack("condition")[["none", "unpowered", "powered"]]
bars.index = [f"{speed:g} m/s, {name.split('2')[0].capitalize()}" for speed, name in bars.index]
figure, ax = figure_bars(bars, title="Gross metabolic power", unit="W/kg", colours=CONDITION_COLOURS)
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
SVG(svg_text(figure, prefix="energy"))

# %% [markdown]
# **Paired changes**, powered minus reference, percent. A pair counts where neither walk fell and the two speeds
# differ by 2 % at most; the rest is counted, not hidden. `angle_rmse` says how far hip, knee and ankle angles moved
# (degrees): a cost that falls while the gait becomes another one is not the device's work alone. `sd_walks_pct` is
# between the few walks of one training seed; it says nothing about other seeds.

# %%
changes = paired_changes(walks, curves).summary
change = changes[changes["quantity"].isin(energy[:2])].set_index(["speed_commanded", "reference", "quantity"])
shown = ["mean_pct", "sd_walks_pct", "angle_rmse", "fall_rate", "fall_rate_reference", "n_pairs", "n_fell", "n_speed"]
change[shown].round(2)

# %% [markdown]
# Where no pair is left, the cost per metre takes the speed into account, without pairing (J/kg/m):

# %%
mean[["speed_mean", *energy[4:]]].round(2)

# %% [markdown]
# ## 4. Is the comparison fair?
# Three ways to fool oneself, and what speaks for or against each.
#
# - **A network that walks badly without the device** would make any device look good. In training, the three
#   conditions had the shares printed below, and *unpowered* is the same network with the device switched off. Below
#   stands also the suite's healthy policy, which has never worn a device: *none* should not cost much more than that.
# - **The mass hides in the comparison.** Worn and off costs more than no device; the torque has to earn that back.
#   Both references are in the table above; against *none* is what a wearer would feel.
# - **The wearer is fully adapted.** What the device gives, the muscles leave out by design (`device_share`), where
#   people need hours of practice. The saving is that of a perfect learner, an upper end, not a forecast.

# %%
never = walk_outcomes(simulate("healthy", speed=1.25, seconds=seconds, phase=0.0)).scalars
at = mean.loc[1.25]
print("shares of the conditions in training:", human.metadata["settings"]["setup"]["population"]["conditions"])
print("share of the device's torque that the muscles leave out:", world["muscles"]["device_share"])
print("\n1.25 m/s, gross power (W/kg) and cost (J/kg/m), Umberger 2010, eccentric work not credited:")
for name, row in {"never wore a device": never, **{name: at.loc[name] for name in at.index}}.items():
    power, cost = row["umberger2010_uncredited_gross"], row["umberger2010_uncredited_cost"]
    print(f"  {name:20s} {power:5.2f}  {cost:5.2f}   at {row['speed_mean']:.2f} m/s")
for reference, row in {"the same body without": at.loc["none"], "a walker that never wore one": never}.items():
    percent = 100 * (at.loc["powered", "umberger2010_uncredited_cost"] / row["umberger2010_uncredited_cost"] - 1)
    print(f"device on against {reference}: {percent:+.1f} % per metre")

# %% [markdown]
# A device pays for what it saves with mechanical power. With muscles of an efficiency near 0.25, one watt of positive
# device power can replace about four metabolic watts. A larger saving would need another explanation (less
# co-contraction - or a mistake); a smaller one means that much of the device's power does work that muscles had not
# done.

# %%
powered = upright[(upright["condition"] == "powered") & (upright["speed_commanded"] == 1.25)]
none = upright[(upright["condition"] == "none") & (upright["speed_commanded"] == 1.25)]
given, taken = powered["exo_positive_power"].mean(), powered["exo_negative_power"].mean()
saved = at.loc["unpowered", "umberger2010_uncredited_gross"] - at.loc["powered", "umberger2010_uncredited_gross"]
print(f"device: {given:.2f} W/kg given, {-taken:.2f} W/kg taken up; muscles: {saved:.2f} W/kg less than with it off")
print(f"metabolic watts saved per watt of positive device power: {saved / given:.1f}")

# %% [markdown]
# ## 5. The torque, and what people chose
# Grey: range of the published profiles that lowered people's metabolic rate, each a thin dashed line. Nothing was
# fitted to them. Orange: the moment of the body's own muscles when it walks without the device, scaled to the learned
# torque's peak: the plainest controller that could be written down.

# %%
learned, moments = figures.device_torques(powered, curves), figures.joint_moments(none, curves)
bounds = {joint: tuple(np.array([1, -1]) * list(limits[actuator].values()))
          for joint, actuator in (("hip", "exo_hip_flexion_r"), ("ankle", "exo_ankle_angle_r"))}
figure, _ = figures.figure_torques(
    {"learned, 1.25 m/s": learned, "scaled moment": figures.scaled_to(moments, learned)},
    limits=bounds, toe_off=powered["stance_pct_r"].mean(),
)
SVG(svg_text(figure, prefix="torques"))

# %%
for actuator in limits:
    print(f"{actuator}: at its limit for {powered[f'{actuator}_at_limit'].mean():.1f} % of the time")

# %% [markdown]
# Against each profile, without lag, scale or offset: r, RMSE (N m/kg), peaks (N m/kg) and their times (% of the
# stride). `inside`: r is at least that of the least like human profile with the same one. Trust A: read in the paper
# or its code; B: from third-party scripts; C: computed from a data file. Single people appear where `EXOGAIT_DATA`
# holds them.

# %%
ankle, hip = (compare_profiles(learned[joint], joint).set_index("profile") for joint in ("ankle", "hip"))
facts = ["kind", "trust", "r", "human_r_min", "inside", "rmse"]
parts = ("peak", "human_peak", "time", "human_time")
ankle[[*facts, *(f"{part}_plantarflexion" for part in parts)]].round(2)

# %%
hip[[*facts, *(f"{part}_{word}" for word in ("extension", "flexion") for part in parts)]].round(2)

# %% [markdown]
# **What is a correlation worth?** First how alike the human profiles are among themselves, then the learned torque
# beside the scaled moment (as it is, and at the lag that suits each profile best, which is an upper bound). A learned
# torque that is no more like people's than the scaled moment has learned no more than to follow that moment.

# %%
pd.concat({joint: agreement_summary(human_agreement(joint)).set_index("kind") for joint in ("ankle", "hip")}).round(2)

# %%
rivals = {joint: compare_baselines(learned[joint], moments[joint], joint) for joint in ("ankle", "hip")}
pd.concat({
    joint: table.groupby("candidate")[["r", "rmse"]].agg(["min", "median", "max"]) for joint, table in rivals.items()
}).round(2)

# %%
for joint, table in {"ankle": ankle, "hip": hip}.items():
    known = table[table["inside"].notna()]
    best = rivals[joint].groupby("candidate")["r"].median()
    verdict = "more" if best["learned"] > best["scaled moment"] else "no more"
    print(f"{joint}: as like people's profiles as these to one another for {known['inside'].sum()} of {len(known)};")
    print(f"  {verdict} like them than the scaled moment (median r {best['learned']:.2f}, {best['scaled moment']:.2f})")

# %% [markdown]
# ## 6. The assisted walk, for your own eyes and for OpenSim
# The folder holds motion and ground reactions (`.mot`, angles in degrees), states and controls (`.sto`, radians), and
# the model with its motors: File > Load Motion in the GUI. From the command line:
#
# ```sh
# exogait simulate hip_ankle/generalist_1_human --device-policy hip_ankle/1-healthy_device --speed 1.25 --out FOLDER
# ```

# %%
strategies = load_strategies(policies / "healthy_strategies.json")
walk = simulate(human, device_policy=controller, strategy=strategies.at("powered"), speed=1.25, seconds=4.0, phase=0.0)
model = place_model(WorldSetup(device="hip_ankle"), out / "walk" / "opensim")
write_states(walk, model, out / "walk" / "opensim" / "walk_states.sto")
write_controls(walk, model, out / "walk" / "opensim" / "walk_controls.sto")
run = write_simulation(walk, model, out / "walk")
files = sorted(path.name for path in (run.folder / "opensim").iterdir())
print("\n".join(name for name in files if name.endswith((".mot", ".sto", ".osim"))))

# %%
replay(run.folder)

# %% [markdown]
# ## 7. What must hold
# Little is asked here: whatever is not asked may turn out either way.

# %%
usual = walks[walks["speed_commanded"] == 1.25]
assert (usual["fell"] == 0).all() and not walk.about.fell, "nobody falls at 1.25 m/s"
for name in energy:
    assert at.loc["powered", name] < at.loc["none", name], f"{name}: on costs less than no device"
assert at.loc["unpowered", "umberger2010_cost"] > at.loc["none", "umberger2010_cost"], "carrying its mass is not free"
torque = walk.device_torques / walk.subject_mass
for actuator, by_direction in limits.items():
    up, down = by_direction.values()
    assert torque[actuator].between(-down - 1e-9, up + 1e-9).all(), f"{actuator} stays within its limits"
off = walks[walks["condition"] != "powered"]
assert (off[[f"{actuator}_mean_abs" for actuator in limits]] == 0).all(axis=None), "a device that is off gives nothing"
assert {"walk_states.sto", "walk_controls.sto", "model.osim"} <= set(files) and any(n.endswith(".mot") for n in files)
assert "imulated" in (run.folder / "report.html").read_text(), "the report says that it is simulated"
