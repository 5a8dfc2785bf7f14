"""exogait: from motion capture to a personalised exoskeleton controller.

The command line, one short function a command, and the lazy facade for notebooks::

    import exogait as eg

    model = eg.models.build(device="hip_ankle")
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from data.errors import ExogaitError

__version__ = "0.1.0"
__all__ = ["main"]

PACKAGES = ("analysis", "data", "models", "osim_env")


def __getattr__(name: str) -> ModuleType:
    if name in PACKAGES:
        return importlib.import_module(name)
    raise AttributeError(f"module 'exogait' has no attribute {name!r}")


app = SubcommandApp()
model_app = SubcommandApp()
app.command(model_app, name="model", help="Build, show and plot the OpenSim model.")


@model_app.command(name="build")
def model_build(
    *,
    out: Path,
    device: str | None = None,
    deficit: str | None = None,
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    subject: Path | None = None,
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
        subject: YAML file with mass, height and segment factors.
        muscles: Muscle model: rigid-tendon DeGroote-Fregly 2016, or the published Thelen 2003.
        contact: Foot contact spheres and floor.
    """
    import models

    if deficit is None and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side change a deficit; name one with --deficit")
    weakness = None if deficit is None else models.load_deficit(deficit, strength=strength, side=side)
    body = None if subject is None else models.load_subject(subject)
    model = models.build(device=device, deficit=weakness, subject=body, muscles=muscles, contact=contact)
    models.write(model, out)
    print(models.summary(model))
    print(f"wrote {out}")


@model_app.command(name="show")
def model_show(model: Positional[Path | None] = None) -> None:
    """Print what a model holds: bodies, coordinates, muscles, contact, actuators.

    Args:
        model: An .osim file; the suite's own model without one.
    """
    import models

    print(models.summary(models.read(models.model_path() if model is None else model)))


@model_app.command(name="list")
def model_list() -> None:
    """List the devices and deficits at hand."""
    import models

    for kind, names, load in (
        ("device", models.device_names(), models.load_device),
        ("deficit", models.deficit_names(), models.load_deficit),
    ):
        for name in names:
            print(f"{kind:8s} {name:28s} {load(name).description}")


@app.command
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
    import models
    from osim_env.engine.verify import verify as run_verify

    path = models.model_path() if model is None else model
    result = run_verify(path, n_states=states, seed=seed, convert_muscles=convert_muscles)
    print(result)
    if not result.passed:
        raise SystemExit(1)


@app.command
def doctor() -> None:
    """Check the installation: Python, packages, OpenSim, compiler cache, data folder."""
    from importlib import metadata

    failures = 0

    def line(ok: bool, what: str, detail: str) -> None:
        nonlocal failures
        failures += not ok
        print(f"{'ok     ' if ok else 'PROBLEM'}  {what:20s} {detail}")

    version = sys.version_info
    line((3, 11) <= version < (3, 14), "Python", f"{version.major}.{version.minor}.{version.micro}")
    for package in ("numpy", "scipy", "pandas", "numba", "opensim", "c3d", "gymnasium", "stable-baselines3", "torch"):
        try:
            line(True, package, metadata.version(package))
        except metadata.PackageNotFoundError:
            line(False, package, f"not installed; pip install {package}")
    try:
        import models

        model = models.read(models.model_path())
        state = model.initSystem()
        line(True, "OpenSim model", f"{models.model_path().name}: {state.getNQ()} coordinates")
    except (ExogaitError, ImportError, RuntimeError) as error:
        line(False, "OpenSim model", str(error).splitlines()[0])
    try:
        import numba

        numba.njit(lambda x: x + 1)(1)
        line(True, "compiler", f"numba on {numba.config.NUMBA_NUM_THREADS} threads")
    except Exception as error:  # whatever a broken LLVM raises is the finding here
        line(False, "compiler", str(error).splitlines()[0])
    folder = os.environ.get("EXOGAIT_DATA")
    line(
        folder is None or Path(folder).is_dir(),
        "EXOGAIT_DATA",
        "not set (optional: a folder of laboratory data)" if folder is None else folder,
    )
    if failures:
        raise SystemExit(1)


@app.command
def demo(out: Annotated[Path, arg(help="Folder for everything the demonstration writes.")] = Path("out")) -> None:
    """From nothing to a page that shows what the suite does."""
    import models

    out.mkdir(parents=True, exist_ok=True)
    model = models.build(device="hip_ankle")
    models.write(model, out / "gait2392_exo.osim")
    text = models.summary(model)
    (out / "model.txt").write_text(text + "\n")
    print(text)
    for path in models.plot_moment_arms(model, out):
        print(f"wrote {path}")


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and exit code 2."""
    try:
        app.cli(prog="exogait", description="From motion capture to a personalised exoskeleton controller.")
    except ExogaitError as error:
        print(f"exogait: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("exogait: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get("EXOGAIT_DEBUG"):
            raise
        print(
            f"exogait: unexpected {type(error).__name__}: {error}; this is a bug: EXOGAIT_DEBUG=1 shows the traceback",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
