"""From nothing to a personalised device: the demonstration, step by step in one folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from exogait.data import output_file, output_folder, write_text_atomic
from exogait.data.names import INDEX_PAGE, MODEL_FILE, PERSON_FILE, REPLAY_PAGE, REPORT_PAGE
from exogait.data.output import remove_ours

from .personalize import PersonalizeRequest, personalize
from .simulate import SimulateRequest, simulate

if TYPE_CHECKING:
    from exogait.osim_env.learning.patient import Patient

Clock = Callable[[float, str], AbstractContextManager[Callable[[float], None]]]
"""From a length (s) and a label to a context in which a function takes the simulated time."""

DEMO_SAMPLES = 3e4
"""Control steps of the demonstration's fine-tunes: enough to see how it is done."""
DEMO_PARTS = (
    ("The person's gait analysis", "Angles, moments, powers, ground reaction, symmetry, data quality.",
     f"lab/{REPORT_PAGE}"),
    ("With the personalised device, in three dimensions", "Muscles coloured by activation, device torques; play it.",
     f"walk/{REPLAY_PAGE}"),
    ("Report of that walk", "The same analysis as of the laboratory's, beside norms.", f"walk/{REPORT_PAGE}"),
    ("The controller", "ONNX, with a contract that a device's own computer can follow.", "device/controller/"),
    ("OpenSim folder", "Scaled model, motion, forces and set-ups for the OpenSim GUI.", "lab/opensim/"),
    ("The model with a hip and ankle device", "Opens in the OpenSim GUI.", MODEL_FILE),
)  # fmt: skip
"""Title, one sentence and place of what the demonstration makes, beside the device's report."""


@contextmanager
def _no_clock(seconds: float, label: str) -> Iterator[Callable[[float], None]]:
    yield lambda time: None


def run_demo(
    out: str | Path,
    *,
    policies: str = "steady",
    report: Callable[[str], None] | None = None,
    clock: Clock = _no_clock,
) -> Path:
    """Model, gait analysis, a short fine-tune, a walk with the device.

    Args:
        out: Folder for everything that the demonstration writes.
        policies: Generalists to start from: a folder, or a name under which the suite ships policies.
        report: Called with lines about what is done and what came out.
        clock: Shows how far a simulated walk is.

    Returns:
        The front page.

    Raises:
        MissingDependencyError: The extra ``learn`` or ``controller`` is not installed.
        ExogaitError: The policies are not usable, or the patient cannot walk.
    """
    from exogait.data.extras import require_extra
    from exogait.osim_env.study.personalize import find_generalists

    for extra in ("learn", "controller"):
        require_extra(extra, "the demonstration")
    find_generalists(policies)  # before the minutes that come before they are needed
    say = report or (lambda line: None)
    out = Path(out)
    with output_folder(out, "exogait demo", expects=(MODEL_FILE, "model.txt", INDEX_PAGE)):
        return _run(out, policies, say, clock)


def _run(out: Path, policies: str, say: Callable[[str], None], clock: Clock) -> Path:
    from exogait import models

    model = models.build(device="hip_ankle")
    models.write(model, out / MODEL_FILE)
    text = models.summary(model)
    write_text_atomic(out / "model.txt", text + "\n")
    picture, table = models.plot_moment_arms(model, out)
    say(f"{text}\nwrote {picture}\nwrote {table}")

    patient = _analyse_patient(out, say, clock)
    say("\nA device for this person: short fine-tunes of a generic and a personalised one")
    _fit_device(out, patient, policies, say, clock)

    from exogait.analysis.report.demo import write_demo_page

    who = None if patient is None else patient.words
    return write_demo_page(out, summary=text, moment_arms=picture, parts=DEMO_PARTS, who=who)


def _analyse_patient(out: Path, say: Callable[[str], None], clock: Clock) -> Patient | None:
    """Analyse a walk into ``out/lab``; the simulated patient, or None where a real person's walk is at hand."""
    from exogait.analysis.made_up.demo import real_walk, run_lab_demo
    from exogait.osim_env.learning.patient import SECONDS, demo_patient, walk_of

    patient = None if real_walk() else demo_patient()
    if patient is None:
        say("\nFrom C3D to joint moments")
        run = run_lab_demo(out / "lab")
    else:
        say(f"\nA patient walks through a gait laboratory: SYNTHETIC, {patient.words}")
        with clock(SECONDS, "patient") as advance:
            walked = walk_of(patient, out / "patient", progress=advance)
        say("\nFrom C3D to joint moments")
        run = run_lab_demo(out / "lab", simulated=walked, subject=out / "patient" / f"{patient.size.name}.yaml")
    say(run.summary())
    return patient


def _fit_device(out: Path, patient: Patient | None, policies: str, say: Callable[[str], None], clock: Clock) -> None:
    """Tune a device to the person into ``out/device``, and let them walk with it into ``out/walk``."""
    from exogait.osim_env.viewing.replay_page import replay

    device, seconds = out / "device", 6.0
    remove_ours(device, "exogait demo")  # a fine-tune that is there already would go on
    deficit = None if patient is None else patient.deficit
    strength, side = (patient.strength, patient.side) if patient is not None and deficit else (None, None)
    page = personalize(
        PersonalizeRequest(
            lab=out / "lab", out=device, deficit=deficit, strength=strength, side=side, policies=policies,
            samples=DEMO_SAMPLES, seconds=10.0, starts=2,
        ),
        report=say,
    )  # fmt: skip
    say(f"open {page}")
    person = json.loads((device / PERSON_FILE).read_text(encoding="utf-8"))
    tuned = device / "personalised"
    request = SimulateRequest(
        str(tuned / "human"), out=out / "walk", speed=round(person["speed"], 3), seconds=seconds,
        device_policy=str(tuned / "device"), deficit=deficit, strength=strength, side=side,
    )  # fmt: skip
    with clock(seconds, "simulate") as advance:
        say(simulate(request, progress=advance).summary())
    with output_file(out / "walk" / REPLAY_PAGE, "exogait demo") as file:
        scene = replay(out / "walk").save(file)
    say(f"wrote {scene} ({scene.stat().st_size / 1e6:.1f} MB)")
