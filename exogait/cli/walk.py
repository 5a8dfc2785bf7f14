"""Walks: simulate one, watch it, film it, compare it; and the policies that can walk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from exogait.data.extras import require_extra
from exogait.junction.simulate import SimulateRequest

from .progress import show_clock


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    for command in (simulate, replay, video, compare, policies):
        app.command(command)


def simulate(request: Annotated[SimulateRequest, arg(name="")]) -> None:
    """Let a policy walk, and analyse the walk as `lab run` does a measured one."""
    from exogait.junction import simulate as junction

    with show_clock(request.seconds, "simulate") as advance:
        run = junction.simulate(request, progress=advance)
    print(run.summary())


def replay(
    folder: Positional[Path],
    *,
    out: Path | None = None,
    model: Path | None = None,
    geometry: Path | None = None,
    rate: float = 50.0,
) -> None:
    """Write a walk as one HTML page: skeleton, muscles coloured by activation, ground reactions, device torques.

    Args:
        folder: Folder of `simulate` or `lab run`.
        out: The .html file; `replay.html` in the folder if not given.
        model: Model of the walk (.osim); that of the folder if not given.
        geometry: Folder of bone surfaces (.vtp), such as OpenSim's Geometry; EXOGAIT_GEOMETRY if not given.
        rate: Frames a second.
    """
    from exogait.data.names import REPLAY_PAGE
    from exogait.data.output import output_file
    from exogait.osim_env.viewing.replay_page import replay as make_replay

    with output_file(out or folder / REPLAY_PAGE, "exogait replay") as file:
        path = make_replay(folder, model, geometry=geometry, rate=rate).save(file)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


def video(
    folder: Positional[Path],
    film: Positional[Path],
    *,
    model: Path | None = None,
    speed: float = 1.0,
) -> None:
    """Write a walk as a film, seen from the right.

    Args:
        folder: Folder of `simulate` or `lab run`.
        film: File that ends in .mp4 or .gif.
        model: Model of the walk (.osim); that of the folder if not given.
        speed: 0.5 plays at half speed.
    """
    if film.suffix.lower() == ".mp4":
        require_extra("video")
    from exogait.data.output import output_file
    from exogait.osim_env.viewing.replay_page import load_scene
    from exogait.osim_env.viewing.video import write_video

    with output_file(film, "exogait video"):
        path = write_video(load_scene(folder, model), film, speed=speed)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


def compare(first: Positional[Path], second: Positional[Path], *, out: Path | None = None) -> None:
    """Compare two walks, measured or simulated: angles, moments, forces, symmetry, metabolic rate.

    Args:
        first: Folder of `simulate` or `lab run`.
        second: Folder of `simulate` or `lab run`. Of two of a kind the first one is the reference, else the measured
            one.
        out: Folder for compare.html and the tables beside it; the first one's if not given.
    """
    from exogait.junction.compare import compare_walks

    print(compare_walks(first, second, out=out).summary())


def policies(name: Positional[str | None] = None) -> None:
    """List every policy: whom it moves, with which device, how fast, and how it scored.

    Args:
        name: Only those whose name holds this.
    """
    from exogait.data.errors import UnknownNameError
    from exogait.junction.policies import list_policies

    entries = list_policies()
    found = [entry for entry in entries if name is None or name in entry.name]
    if not found:
        raise UnknownNameError("policy", str(name), {entry.name.rpartition("/")[0] or entry.name for entry in entries})
    for entry in found:
        print(entry)
