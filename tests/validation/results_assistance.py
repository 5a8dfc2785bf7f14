"""What the committed exoskeleton policies do: docs/results.md, section "assistance".

``python -m tests.validation assistance`` lets the committed policies of the study ``hip_ankle`` walk (fine-tuned to
every body, three seeds, three device conditions, paired starts), and those of the study ``devices``; it resumes where
it was stopped. Nothing is trained here: ``exogait study hip_ankle`` trains. With ``EXOGAIT_SHORT=1`` only a few short
walks are made and nothing is written.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pandas as pd

from exogait.analysis.outcomes.tables import read_outcomes
from exogait.analysis.report.study import write_study_report
from exogait.data.settings import load_settings
from exogait.junction.outcomes import summarise_walk
from exogait.osim_env.learning.policy import POLICY_FOLDER, load_policy
from exogait.osim_env.study.plan import (
    StudyConfig,
    find_study,
)
from exogait.osim_env.study.run import (
    run_study,
)
from tests.validation.assistance_bodies import imitation, signs, variants, weak_bodies
from tests.validation.assistance_figures import draw
from tests.validation.assistance_healthy import cost, devices, optimum, torques
from tests.validation.assistance_search import searches
from tests.validation.assistance_tolerance import tolerance
from tests.validation.sections import ROOT, markdown_table, write_section
from tests.validation.walking_world import SHORT, SHORT_NOTE, Found

STUDY = "hip_ankle"
DEVICES = ("hip", "ankle", "hip_ankle", "knee_slow")
FOLDER = Path(os.environ.get("EXOGAIT_RESULTS", ROOT / "out" / "results"))


def settings(name: str) -> StudyConfig:
    """A study of the suite, shortened for the short version."""
    config = load_settings(StudyConfig, find_study(name))
    if not SHORT:
        return config
    return dataclasses.replace(
        config, seeds=config.seeds[:1], starts=1, seconds=5.0, speeds=(1.25,), variants=(),
        bodies=tuple(b for b in config.bodies if b.name in ("healthy", "plantarflexors")),
    )  # fmt: skip


def walks(name: str, policies: Path, *, device: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame, Path]:
    """Tables of walks and curves of one study, made anew where they are not there yet, and their folder."""
    config = dataclasses.replace(settings(name), device=device)
    folder = FOLDER / ("short" if SHORT else "") / name / (device or "")
    run_study(config, folder, summarise_walk, policies=policies, report=print)
    return *read_outcomes(folder), folder


def evaluate() -> str:
    """Walk, and lay the findings out as Markdown."""
    begin = time.perf_counter()
    table, curves, folder = walks(STUDY, POLICY_FOLDER / STUDY)
    report = write_study_report(folder)
    main = pd.DataFrame(table[table["variant"] == "main"])
    found: dict[str, Found] = {
        "Metabolic power over speed": cost(main, curves),
        "Torque against people": torques(main, curves),
        "One-sided weakness": weak_bodies(main, curves),
        "Clinical signs": signs(main),
        "How strongly the human imitates": imitation(table, curves),
        "Variants": variants(table, curves),
        "The optimum at fixed kinematics": optimum(main, curves),
    }
    by_device = {}
    for device in DEVICES:
        policies = POLICY_FOLDER / "devices" / device
        if policies.is_dir() and not SHORT:
            by_device[device] = walks("devices", policies, device=device)[:2]
    if not SHORT:
        found = {"Any device": devices(by_device, DEVICES), **found}
        found["What the bodies found"] = [], searches(settings(STUDY), STUDY)
        found["How weak a body may be"] = [], tolerance(settings(STUDY), STUDY)
    aims = [aim for some, _ in found.values() for aim in some]
    judged = [aim for aim in aims if aim.met is not None]
    about = load_policy(POLICY_FOLDER / STUDY / "generalist_1_human").metadata
    world = about["settings"]["world"]
    if not SHORT:
        draw(main, curves)
    parts = [f"### {title}\n\n{text}" for title, (_, text) in found.items() if text]
    study = load_settings(StudyConfig, find_study(STUDY))
    return (
        f"## Assistance\n\n{SHORT_NOTE}"
        f"Regenerate with `python -m tests.validation assistance`; the whole report with its "
        f"figures: `exogait study {STUDY} --policies {STUDY} --out DIR`. Three generalists. The device alone is tuned "
        f"to the healthy body for {study.tune_samples / 1e6:g} million control steps (more save more and resemble "
        "people less, docs/training.md), while the human, trained in equal shares without the device, with it off and "
        "with it on, stays the same network in every condition and every body; and from there to each weak body, as "
        "long, as it walks when it uses the healthy body's gait. Then each body searches for a way of walking of its "
        "own, in every condition with as many candidates and the same starting states, one search for all three "
        "generalists. "
        "Devices are trained on Umberger 2010 as OpenSim's probe has it; walks are scored in every accounting, savings "
        "told without credit for eccentric work. What the human "
        "leaves out where the device helps is given, not learned (`device_share`, docs/training.md). Its training "
        f"imitated with weight {world['imitation_weight']:g} and a dead zone of "
        f"{world['imitation_dead_zone']:g} rad, alike "
        "in all conditions, and so do the searches, in which leaving the known gait has a small price besides (below); "
        "its actions are joint moments about a feedback law on the reference, so some pull to the reference stays even "
        "at weight 0. "
        "Bodies walk on a treadmill at the commanded speed. Everything is simulated; "
        f"no person was measured. {sum(bool(aim.met) for aim in judged)} of {len(judged)} aims met.\n\n"
        + markdown_table(["what", "measured", "aim", ""], [aim.row() for aim in aims])
        + ("" if SHORT else "\n\n![Torque against people, metabolic power over speed](figures/assistance.png)")
        + "\n\n" + "\n\n".join(parts)
        + f"\n\nEvaluated in {time.perf_counter() - begin:.0f} s; report with figures: {report.name}."
    )  # fmt: skip


def main() -> None:
    """Evaluate, print, and write the section unless the version is the short one."""
    text = evaluate()
    print(text)
    if not SHORT:
        write_section("results.md", "assistance", text)


if __name__ == "__main__":
    main()
