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
# # From a C3D file to joint moments
#
# Question: **what do the joints of this person do, and is it symmetric?**
#
# You will see a static and a walking trial become joint angles, moments, powers and symmetry, one step a cell: axes,
# plates, events, scaled model, inverse kinematics, inverse dynamics, gait cycle. The last cell does the same in one call
# and writes a report.
#
# With `EXOGAIT_DATA` set to a folder that holds the Schreiber & Moissenet 2019 walks (CC BY 4.0), a healthy adult is
# analysed; without it a synthetic person, whose true joint angles are known.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

folder = Path(os.environ.get("EXOGAIT_DATA", "nowhere")) / "schreiber2019" / "2014001"
out = Path(tempfile.mkdtemp(prefix="exogait-notebook-"))
if folder.is_dir():
    static, walk, mass = folder / "2014001_ST.c3d", folder / "2014001_C4_05.c3d", 67.0
else:
    from exogait.analysis import make_synthetic_trial

    person = make_synthetic_trial(out / "synthetic")
    static, walk, mass = person.static, person.walk, person.mass
print(walk.name, f"{mass:.1f} kg")

# %% [markdown]
# ## 1. What is in the file
# Units, rates and oddities are read, never assumed. Laboratory axes are turned to OpenSim's (X forward, Y up, Z right)
# from the data; the rotation is printed, and can be overridden.

# %%
from exogait.analysis import process_trial, read_c3d

file = read_c3d(walk)
print(f"{file.n_frames} frames at {file.point_rate:g} Hz, {len(file.marker_names)} markers in {file.units}")
print(f"{len(file.platforms)} force plates, analog at {file.analog_rate:g} Hz, {len(file.events)} events in the file")

lab = process_trial(file, marker_cutoff=6.0, force_cutoff=20.0)
print(lab.frame.describe())

# %% [markdown]
# ## 2. Which foot stood on which plate
# Decided by geometry. A contact that is not the whole of one foot is rejected, with the reason.

# %%
lab.strikes_table()[["plate", "start", "stop", "side", "accepted", "reason"]].round(2)

# %% [markdown]
# ## 3. Events, and how far the ways to find them agree

# %%
for event in lab.events.events:
    print(f"{event.time:6.3f} s  {event.side}  {event.kind:12s} {event.source}")
for row in lab.events.agreement[:4]:
    print(f"{row.method} against {row.reference}, {row.kind}: {1000 * row.mean:+.0f} ms (n = {row.n})")

# %% [markdown]
# ## 4. Scale the model, find the angles, find the moments
# `analyse` does steps 1 to 4 with OpenSim's own tools and keeps every intermediate result. A marker map says where the
# laboratory's markers sit on the model: one YAML file a laboratory.

# %%
from exogait.analysis import analyse

result = analyse(static, walk, mass, out=out)
trial = result.trial
print("marker map:", result.marker_map.name)
errors = result.kinematics.error_table()
print(f"marker error: RMS {100 * errors.loc['all', 'rms']:.2f} cm, largest {100 * errors.loc['all', 'max']:.2f} cm")
(100 * errors[["rms", "max"]]).round(2).sort_values("rms").tail(6)

# %% [markdown]
# ## 5. Over the gait cycle
# Right solid, left dashed, grey the band of healthy adults at the nearest speed. Moments and powers are drawn only
# where the force under the foot is known.

# %%
from IPython.display import SVG

from exogait.analysis import bands_for, figure_grid
from exogait.analysis.gait.curves import SAGITTAL
from exogait.analysis.report.figures import svg_text

figure, axes = figure_grid(trial, SAGITTAL, norms=bands_for(trial))
SVG(svg_text(figure, prefix="grid"))

# %% [markdown]
# ## 6. Numbers of each leg, and their symmetry
# Robinson's index, the ratio, the normalised difference and the symmetry angle; positive (ratio above 1) means that the
# right side is larger.

# %%
from exogait.analysis import compute_metrics, symmetry_rows

metrics = compute_metrics(trial)
metrics[["title", "right", "left", "unit"]].round(2).head(20)

# %%
symmetry_rows(metrics).round(1).head(12)

# %% [markdown]
# ## 7. Everything in one call
# The same as `exogait lab run --static ... --trial ... --mass ... --out ...`: report, tables and a folder that reruns in
# the OpenSim GUI. Nothing is computed twice: finished steps are reused.

# %%
from exogait.analysis import run_trial

run = run_trial(static, walk, mass, out=out)
print(run.summary())

# %% [markdown]
# ## 8. What must hold
# If one of these fails, the numbers above are not to be trusted.

# %%
from exogait.data.quality import count_verdicts, quality_rows

assert errors.loc["all", "rms"] < 0.02, "markers fit the model within 2 cm RMS"
assert {event.kind for event in trial.events} == {"heel_strike", "toe_off"}
knee = metrics.set_index("metric").loc["knee_flexion_range", ["right", "left"]].to_numpy(float)
assert np.all((knee > 40) & (knee < 80)), "a walking knee moves by 40 to 80 degrees"
unknown = ~trial.masks["valid_kinetics"]["r"].to_numpy()
assert trial.generalized_forces.loc[unknown, "ankle_angle_r"].isna().all(), "unknown moments are never shown"
if trial.about.synthetic:
    from exogait.data.trial import interpolate_table

    truth = interpolate_table(person.coordinates, trial.coordinates.index)
    error = np.rad2deg(trial.coordinates["knee_angle_r"] - truth["knee_angle_r"])
    assert np.sqrt(np.mean(error**2)) < 0.5, "the known knee angle comes back within 0.5 degrees"
assert run.report.is_file()
print(count_verdicts(quality_rows(trial)))
