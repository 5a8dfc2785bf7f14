"""What a person's body, weakness and gait are, as far as a laboratory or a user says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal


def prepare_personalization(
    lab: Path,
    out: Path,
    *,
    device: str | None,
    deficit: str | None,
    strength: float | None,
    side: Literal["left", "right", "both"] | None,
    policies: str,
    **settings: Any,
) -> Any:
    """Body, own gait and weakness of a person from the folder of `lab run`, as files in ``out``.

    Args:
        lab: Folder of `lab run`.
        out: Where to write.
        device: Device; that of the policies if not given.
        deficit: Deficit, ``estimated``, or none.
        strength: Replaces the deficit file's.
        side: Replaces the deficit file's.
        policies: Where the generalists are.
        **settings: Further fields of the settings.

    Returns:
        Settings, an :class:`exogait.osim_env.study.personalize.Personalization`.
    """
    import json

    from exogait import models
    from exogait.analysis.lab.measured_walks import leg_length
    from exogait.analysis.outcomes.deficit import estimate_deficit
    from exogait.data.results import read_result
    from exogait.models.subject import Subject
    from exogait.osim_env.study.personalize import Personalization, arm_config, find_generalists, own_reference

    human, robot = find_generalists(policies)
    trial = read_result(lab)
    facts, name = trial.metadata, str(trial.metadata.get("subject", trial.name))
    scaled = lab / "opensim" / str(facts.get("model"))
    height = facts.get("subject_height")
    person = Subject.from_scaled_model(scaled, mass=trial.subject_mass, height=height, name=name)
    subject = person.to_yaml(out / f"{name}.yaml")
    leg = leg_length(scaled)
    gait = own_reference(trial, leg_length=leg, name=name)
    gait.motion.save(out / "reference.json")

    estimate = estimate_deficit(trial)
    estimate.table().to_csv(out / "deficit_estimate.csv", index=False)
    estimate.quantities.to_csv(out / "deficit_quantities.csv", index=False)
    notes, came = [], "not stated" if deficit is None else "as stated"
    if deficit == "estimated" and estimate.weak:
        deficit, came = str(estimate.write_deficit(out / "estimated_deficit.yaml")), "estimated from this walk"
        left_out = [group.group for group in estimate.weak if group not in estimate.modelled]
        notes += [f"Also weak, on the other side, and not simulated: {', '.join(left_out)}."] if left_out else []
    elif deficit == "estimated":
        deficit, came = None, "to be estimated, but this walk shows no evidence of one"
    weakness = None if deficit is None else models.load_deficit(deficit, strength=strength, side=side)

    tuned = Personalization(
        human=str(human), device_policy=str(robot), subject=str(subject), reference=str(out / "reference.json"),
        speed=float(trial.about.walked_speed or 0.0), device=device, deficit=deficit, strength=strength,
        side="right" if weakness is None else weakness.side, **settings,
    )  # fmt: skip
    config = arm_config(tuned, "personalised")
    groups = [] if weakness is None else [f"{group} {percent:g} %" for group, percent in weakness.groups]
    content = {
        "subject": name,
        "synthetic": bool(facts.get("synthetic")),
        "mass": trial.subject_mass,
        "height": person.height,
        "height_from": "from segment lengths" if height is None else "as stated",
        "leg_length": leg,
        "speed": tuned.speed,
        "deficit": "none" if weakness is None else f"{', '.join(groups)}, {weakness.side}",
        "deficit_from": came,
        "device": config.setup.device,
        "policies": f"{human.name}, {robot.name}",
        "full_samples": Personalization.samples,
        "seed": tuned.seed,
        "reference_strides": gait.n_strides,
        "reference_symmetric": gait.symmetric,
        "reference_moments": gait.moments,
        "notes": notes,
    }
    (out / "person.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return tuned
