"""The model: build, show, list, and verify the compiled engine against OpenSim."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tyro.conf import Positional
from tyro.extras import SubcommandApp

from exogait.data.errors import InputError
from exogait.junction.person import require_deficit


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    group = SubcommandApp()
    group.command(name="build")(build_model)
    group.command(name="show")(show_model)
    group.command(name="list")(list_models)
    app.command(group, name="model", help="Build, show and plot the OpenSim model.")
    app.command(verify)


def build_model(
    *,
    out: Path,
    device: str | None = None,
    deficit: str | None = None,
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    subject: str | None = None,
    muscles: Literal["degroote_fregly", "thelen"] = "degroote_fregly",
    contact: bool = True,
) -> None:
    """Build the model with a device and a deficit, and write it as an .osim file.

    Args:
        out: The .osim file to write.
        device: Name or YAML file of an exoskeleton (see `exogait model list`).
        deficit: Name or YAML file of a muscle deficit (see `exogait model list`).
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        subject: Name or YAML file of a person: mass, height and segment factors.
        muscles: Muscle model: rigid-tendon DeGroote-Fregly 2016, or the published Thelen 2003.
        contact: Foot contact spheres and floor.
    """
    from exogait import models
    from exogait.data.output import output_file

    require_deficit(deficit, strength, side, "--deficit")
    weakness = None if deficit is None else models.load_deficit(deficit, strength=strength, side=side)
    body = None if subject is None else models.load_subject(subject)
    model = models.build(device=device, deficit=weakness, subject=body, muscles=muscles, contact=contact)
    with output_file(out, "exogait model build"):
        models.write(model, out)
    print(models.summary(model))
    print(f"wrote {out}")


def show_model(model: Positional[Path | None] = None) -> None:
    """Print what a model holds: bodies, coordinates, muscles, contact, actuators.

    Args:
        model: An .osim file; the suite's own model without one.
    """
    from exogait import models

    print(models.summary(models.read(models.model_path() if model is None else model)))


def list_models() -> None:
    """List the devices, deficits and subjects at hand, and whose they are."""
    from exogait.models.catalogue import describe_files

    print(describe_files())


def verify(
    model: Positional[Path | None] = None,
    *,
    states: int = 200,
    seed: int = 0,
    convert_muscles: bool = False,
) -> None:
    """Measure how far the compiled engine is from OpenSim, quantity by quantity.

    Args:
        model: An .osim file; the suite's own model without one.
        states: Number of random states.
        seed: Seed of the random states.
        convert_muscles: First let OpenSim replace other muscle models by rigid-tendon DeGroote-Fregly 2016.
    """
    from exogait import models
    from exogait.osim_env.engine.verify import verify as run_verify

    if not 1 <= states <= 1_000_000:
        raise InputError("--states", states, "a number from 1 to 1000000")
    path = models.model_path() if model is None else model
    result = run_verify(path, n_states=states, seed=seed, convert_muscles=convert_muscles)
    print(result)
    if not result.passed:
        raise SystemExit(1)
