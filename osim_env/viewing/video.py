"""A film of a walk, .mp4 or .gif: the body seen from its right side over its vertical ground reactions.

Drawn from the same :class:`~exogait.osim_env.viewing.scene.Scene` as the replay page, with matplotlib, so that it
needs no screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.errors import InputError, MissingDependencyError
from exogait.data.files import written_beside

from .scene import CONTACT_FORCE, Scene

Array = NDArray[np.float64]

RATE = 25.0
"""Frames a second of a film."""
METRES_PER_BODY_WEIGHT = 0.75
ACTIVATION = LinearSegmentedColormap.from_list("activation", ["#3b6bdb", "#9e4aa3", "#ed1f17"])
"""Off to full: blue, violet, red, as in the replay page."""
UNKNOWN, BONE, GHOST, FORCE, RIGHT, LEFT = "#9e6b66", "#d8cfba", "#cfd6df", "#1a8f5c", "#0b5fa5", "#c4431b"
HALF_WIDTH = 1.39
"""Half of what the stage shows, m."""
POINTS_PER_METRE = 150.0
"""Line width of one metre of thickness, in the film's own scale, points."""


def write_video(
    scene: Scene, path: str | Path, *, speed: float = 1.0, progress: Callable[[int], None] | None = None
) -> Path:
    """Write a film.

    Args:
        scene: Geometry of the walk.
        path: File ending in .mp4 (needs imageio-ffmpeg) or .gif.
        speed: 0.5 plays at half speed.
        progress: Called with the number of frames that are done.

    Returns:
        The file.

    Raises:
        InputError: Another ending, or a speed that is none.
        MissingDependencyError: imageio-ffmpeg is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in (".mp4", ".gif"):
        raise InputError("film", path.name, "a name that ends in .mp4 or .gif")
    if not (np.isfinite(speed) and speed > 0):
        raise InputError("speed", speed, "a number above 0")
    path.parent.mkdir(parents=True, exist_ok=True)
    count = max(2, round((scene.time[-1] - scene.time[0]) / speed * RATE))
    chosen = np.linspace(0, len(scene.time) - 1, count).round().astype(int)
    film = Film(scene)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for done, frame in enumerate(chosen):
            yield film.frame(int(frame))
            if progress is not None:
                progress(done + 1)

    with written_beside(path) as beside:
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(frames(), beside)
    return path


def _write_mp4(frames: Iterator[NDArray[np.uint8]], path: Path) -> None:
    try:
        from imageio_ffmpeg import write_frames
    except ImportError as error:
        what = "writing an .mp4 film (a .gif needs nothing more)"
        raise MissingDependencyError("imageio-ffmpeg", what, "video") from error
    writer: Any = None
    try:
        for image in frames:
            if writer is None:
                size = (image.shape[1], image.shape[0])
                writer = write_frames(str(path), size, fps=round(RATE), quality=7, macro_block_size=2)
                writer.send(None)
            writer.send(image.tobytes())
    finally:
        if writer is not None:
            writer.close()


def _write_gif(frames: Iterator[NDArray[np.uint8]], path: Path) -> None:
    from PIL import Image

    images = [Image.fromarray(frame).quantize(128) for frame in frames]
    images[0].save(path, save_all=True, append_images=images[1:], duration=round(1000 / RATE), loop=0, optimize=True)


class Film:
    """Draws single frames; the axes are made once.

    Attributes:
        figure: The matplotlib figure.
    """

    def __init__(self, scene: Scene, *, size: tuple[float, float] = (6.4, 6.4), dpi: int = 110) -> None:
        self.scene = scene
        self.figure = Figure(figsize=size, dpi=dpi, facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.stage = self.figure.add_axes((0.02, 0.25, 0.96, 0.70))
        self.strip = self.figure.add_axes((0.125, 0.075, 0.85, 0.14))
        mass = scene.trial.about.mass
        self.weight = GRAVITY * (float(mass) if mass is not None and mass > 0 else 75.0)
        self.root = scene.bodies.index("pelvis") if "pelvis" in scene.bodies else 0
        self._prepare_stage()
        self._prepare_strip()

    def frame(self, number: int) -> NDArray[np.uint8]:
        """One frame, shape (height, width, 3)."""
        scene = self.scene
        middle = scene.position[number, self.root, 0]
        self.stage.set_xlim(middle - HALF_WIDTH, middle + HALF_WIDTH)
        ends = scene.link_ends(number)
        depth = ends[:, :, 2].mean(axis=1)
        order = np.argsort(depth)  # the left side, farther from the eye, first
        solid = [k for k in order if not scene.links[k].ghost]
        ghosts = [k for k in order if scene.links[k].ghost]
        for lines, rows in ((self.bones, solid), (self.ghosts, ghosts)):
            lines.set_segments([ends[k][:, :2] for k in rows])
            lines.set_linewidth([2 * POINTS_PER_METRE * float(np.mean(scene.links[k].radius)) for k in rows])
        paths = scene.muscle_lines(number)
        far = np.argsort([path[:, 2].mean() for path in paths])
        self.muscles.set_segments([paths[m][:, :2] for m in far])
        self.muscles.set_linewidth((1.3 * POINTS_PER_METRE * scene.radius[far]).tolist())
        if scene.activation is not None:
            level = scene.activation[number, far]
            colours = ACTIVATION(np.nan_to_num(level))
            colours[~np.isfinite(level)] = to_rgba(UNKNOWN)
            self.muscles.set_color(list(map(tuple, colours)))
        self._draw_forces(number)
        self.clock.set_text(f"{scene.time[number]:.2f} s")
        self.cursor.set_xdata([scene.time[number]] * 2)
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())[:, :, :3].copy()

    def _prepare_stage(self) -> None:
        stage, scene = self.stage, self.scene
        stage.set_aspect("equal")
        stage.set_ylim(-0.12, 1.92)
        stage.axis("off")
        x = scene.position[:, self.root, 0]
        stage.fill_between([x.min() - 3, x.max() + 3], -0.12, 0.0, color="#e8ecf0", linewidth=0)
        for mark in np.arange(np.floor(x.min()) - 3, x.max() + 3, 0.5):
            stage.plot([mark, mark], [-0.045, 0.0], color="#aab4bf", linewidth=1)
        self.ghosts = LineCollection([], colors=GHOST, capstyle="round", alpha=0.45, zorder=1)
        self.bones = LineCollection([], colors=BONE, capstyle="round", zorder=2)
        self.muscles = LineCollection([], colors=UNKNOWN, capstyle="round", zorder=3)
        for lines in (self.ghosts, self.bones, self.muscles):
            stage.add_collection(lines)
        arrow = {"arrowstyle": "-|>,head_width=0.35,head_length=0.7", "color": FORCE, "linewidth": 2.4}
        self.arrows = [
            stage.annotate("", (0, 0), (0, 0), arrowprops=arrow, zorder=4, annotation_clip=True) for _ in range(2)
        ]
        kind = "Simulated walk" if scene.simulated else "Measured walk"
        about = scene.trial.about
        speed = about.walked_speed
        words = [kind, about.subject or scene.trial.name]
        words += [f"{speed:.2f} m/s"] if speed is not None and np.isfinite(speed) else []
        title = ", ".join(words)
        self.figure.text(0.03, 0.955, title, fontsize=11, fontweight="bold", color="#1d2530", parse_math=False)
        self.clock = self.figure.text(0.97, 0.955, "", fontsize=11, color="#5b636d", ha="right")
        if scene.activation is not None:
            bar = self.figure.add_axes((0.78, 0.905, 0.19, 0.014))
            bar.imshow(np.linspace(0, 1, 128)[None], aspect="auto", cmap=ACTIVATION, extent=(0, 1, 0, 1))
            bar.set_yticks([])
            bar.set_xticks([0, 1])
            bar.tick_params(labelsize=7.5, length=0, pad=2)
            bar.set_title("muscle activation", fontsize=8, pad=3, color="#5b636d")
            for spine in bar.spines.values():
                spine.set_visible(False)

    def _prepare_strip(self) -> None:
        strip, scene = self.strip, self.scene
        if scene.force is not None:
            for foot, colour, name in ((0, RIGHT, "right"), (1, LEFT, "left")):
                force = scene.force[:, foot, 1] / self.weight
                strip.plot(scene.time, force, color=colour, linewidth=1.5, label=name)
                strip.fill_between(scene.time, 0, force, color=colour, alpha=0.10, linewidth=0)
            strip.set_ylim(0, max(1.35, min(3.0, 1.05 * float(scene.force[:, :, 1].max()) / self.weight)))
            strip.legend(loc="upper right", fontsize=7.5, frameon=False, ncols=2, borderaxespad=0.1)
            strip.set_ylabel("vertical force\n(body weight)", fontsize=8)
        else:
            strip.set_yticks([])
        strip.set_xlim(scene.time[0], scene.time[-1])
        strip.set_xlabel("time (s)", fontsize=8, labelpad=1)
        strip.tick_params(labelsize=8)
        for side in ("top", "right"):
            strip.spines[side].set_visible(False)
        self.cursor = strip.axvline(scene.time[0], color="#1d2530", linewidth=1)

    def _draw_forces(self, number: int) -> None:
        scene = self.scene
        for foot, arrow in enumerate(self.arrows):
            shown = scene.force is not None and scene.force[number, foot, 1] > CONTACT_FORCE
            arrow.set_visible(bool(shown))
            if shown and scene.force is not None and scene.pressure is not None:
                base = scene.pressure[number, foot, :2]
                arrow.set_position(tuple(base))
                arrow.xy = tuple(base + METRES_PER_BODY_WEIGHT / self.weight * scene.force[number, foot, :2])
