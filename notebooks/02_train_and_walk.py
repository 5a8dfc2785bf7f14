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
# # Train a muscle-driven walker, and look at how it walks
#
# Question: **how does a body with 92 muscles learn to walk, and how do I see what it does?**
#
# You will see the reference motion that it imitates, the body on feedback alone, a training of seconds (far too short
# to walk well: the point is the machinery), and a simulated walk as a replay, as numbers, and as files for the
# OpenSim GUI. Every number here comes from a simulation, not from a person.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

# A longer training is one variable away; walking well takes tens of millions of control steps.
samples = float(os.environ.get("EXOGAIT_NOTEBOOK_SAMPLES", 12_000))
out = Path(tempfile.mkdtemp(prefix="exogait-notebook-"))

# %% [markdown]
# ## 1. The motion to imitate
# A compact description of gait over speed: Fourier coefficients as polynomials of speed, fitted to healthy adults.
# Solid: 1.25 m/s; pale: slower and faster. Any walk of your own can take its place (`exogait reference`).

# %%
from exogait.osim_env import load_reference

reference = load_reference("schreiber2019")
phase = np.linspace(0, 1, 101)
figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained")
for speed in (0.75, 1.25, 1.75):
    q, _ = reference.evaluate(phase, np.full(101, speed))
    for ax, joint, sign in zip(axes, ("hip_flexion_r", "knee_angle_r", "ankle_angle_r"), (1, -1, 1)):
        angle = sign * np.rad2deg(q[:, reference.coordinate_names.index(joint)])
        ax.plot(100 * phase, angle, color="#0b5fa5", alpha=1.0 if speed == 1.25 else 0.35, label=f"{speed} m/s")
        ax.set(xlabel="Gait cycle (%)", title={"h": "Hip flexion", "k": "Knee flexion", "a": "Ankle dorsiflexion"}[joint[0]])
axes[0].set_ylabel("deg")
axes[0].legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# ## 2. Feedback on the reference alone
# The policy's zero action is already a walker that stumbles: muscles are recruited, by static optimization, to carry a
# feedback law on the reference. What is learned is a change of the demanded joint moments.

# %%
from exogait.osim_env import simulate

stumble = simulate("reference-feedback", speed=1.25, seconds=3.0, phase=0.0)
seconds = stumble.require("coordinates").index[-1]
print(f"without learning: {seconds:.2f} s" + (", then a fall" if stumble.about.fell else ""))

# %% [markdown]
# Drag to turn, scroll to zoom; muscles turn from blue to red as they activate, arrows are ground reactions.

# %%
from exogait.osim_env import replay
from exogait.osim_env.gait.setup import COMPILED

replay(stumble, COMPILED[None])

# %% [markdown]
# ## 3. A short training
# The same as `exogait train CONFIG.yaml --out FOLDER`; the folder holds the settings, the curve, checkpoints and the
# policy. A training that is killed goes on with `--resume`.

# %%
from exogait.osim_env import TrainConfig, Trainer
from exogait.osim_env.learning.learner import LearnerConfig
from exogait.osim_env.learning.config import Stage

config = TrainConfig(
    name="notebook", stages=(Stage(samples=samples, speeds=(1.15, 1.35)),), n_envs=64, n_steps=32,
    human=LearnerConfig(layers=(64, 64), minibatch=1024), evaluate_every=1e12,
)
trainer = Trainer(config, out / "run")
curve = []
trainer.run(lambda figures: curve.append(figures))
curve = pd.DataFrame(curve)
print(f"{trainer.samples} control steps, {curve['simulated_per_wall_second'].median():.0f} simulated seconds a second")

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained")
axes[0].plot(curve["samples"], curve["reward/human"], color="#0b5fa5")
axes[0].set(xlabel="control steps", ylabel="reward a step")
axes[1].plot(curve["samples"], curve["episode_seconds"], color="#0b5fa5")
axes[1].set(xlabel="control steps", ylabel="walks (s)")
plt.show()

# %% [markdown]
# ## 4. Save, load, walk
# A policy is two small files: numbers (safetensors) and what they mean (JSON). It refuses a body, a device or an
# observation that it was not trained for. Where the suite's own trained policy is installed, that one walks here.

# %%
from exogait.osim_env import load_policy
from exogait.osim_env.learning.policy import POLICY_FOLDER

trainer.policy().save(out / "notebook")
trained = load_policy(out / "notebook")
own = (POLICY_FOLDER / "healthy.json").is_file()
policy = load_policy("healthy") if own else trained
walk = simulate(policy, speed=1.25, seconds=4.0, phase=0.0)
print(f"{walk.about.policy}: walked {walk.require('coordinates').index[-1]:.2f} s of 4 s")

# %% [markdown]
# ## 5. The same analysis as for a measured walk
# From the command line: `exogait simulate healthy --speed 1.25 --out FOLDER`, then `exogait replay FOLDER`,
# `exogait video FOLDER walk.mp4`, and `exogait compare FOLDER LAB_FOLDER` against a C3D result of your own.

# %%
from exogait.analysis.lab.simulated import write_simulation
from exogait.osim_env import WorldSetup
from exogait.osim_env.viewing.opensim_files import write_controls, write_states
from exogait.osim_env.learning.simulation import place_model

model = place_model(WorldSetup(), out / "walk" / "opensim")
write_states(walk, model, out / "walk" / "opensim" / "walk_states.sto")
write_controls(walk, model, out / "walk" / "opensim" / "walk_controls.sto")
run = write_simulation(walk, model, out / "walk")
print(run.summary())

# %%
table = walk.require("ground_reactions") / (9.80665 * walk.subject_mass)
figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
for side, colour, style in (("r", "#0b5fa5", "-"), ("l", "#c4431b", "--")):
    ax.plot(table.index, table[f"ground_force_{side}_vy"], style, color=colour, label={"r": "right", "l": "left"}[side])
ax.set(xlabel="time (s)", ylabel="vertical force (body weight)", title="Simulated ground reaction")
ax.legend(frameon=False)
plt.show()

# %%
replay(run.folder)

# %% [markdown]
# ## Checks

# %%
assert trainer.samples >= samples and np.isfinite(curve["reward/human"]).all()
same = np.linspace(-1, 1, 3 * trained.n_observations).reshape(3, -1)
np.testing.assert_allclose(trained.act(same), trainer.policy().act(same), atol=1e-5)
assert (run.folder / "report.html").is_file() and "imulated" in (run.folder / "report.html").read_text()
assert {"walk_states.sto", "walk_controls.sto", "model.osim"} <= {p.name for p in (run.folder / "opensim").iterdir()}
assert len(replay(run.folder).page) < 15e6
if own:
    assert not walk.about.fell, "the suite's own policy fell"
