"""A body as it walks: one picture a control step, as an array or in a window."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.about import TrialAbout
from exogait.data.trial import SIDES, GaitTrial

from ..engine import Model
from .scene import Scene, make_scene
from .video import Film

MARK_DISTANCE = 0.5
"""Between the marks on the floor, m."""

SCREENLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""Ways of matplotlib to draw that open no window."""


class Now(NamedTuple):
    """What a picture shows of a body."""

    time: float
    """Since the start of the episode, s."""
    q: NDArray[Any]
    """Coordinates, shape (n_coordinates,), rad or m."""
    activation: NDArray[Any]
    """Shape (n_muscles,)."""
    ground: NDArray[Any]
    """Force (N), centre of pressure (m) and free moment (N m) of the right and the left foot, shape (2, 3, 3)."""
    mass: float
    """Of the person, kg."""
    speed: float
    """Commanded, m/s."""


class Camera:
    """Follows a body.

    Args:
        model: The body.
        window: Show the pictures in a window of matplotlib instead of handing them out.
    """

    def __init__(self, model: Model, *, window: bool = False) -> None:
        self.model, self.window = model, window
        self._film: _Still | None = None
        self._image: Any = None

    def show(self, now: Now) -> NDArray[np.uint8] | None:
        """Draw the body as it is now.

        Returns:
            Shape (height, width, 3); None where it is shown in a window.
        """
        scene = scene_now(now, self.model)
        if self._film is None:
            self._film = _Still(scene)
        picture = self._film.picture(scene, f"{now.time:.2f} s")
        if not self.window:
            return picture
        self._put_up(picture)
        return None

    def _put_up(self, picture: NDArray[np.uint8]) -> None:
        from matplotlib import get_backend, pyplot

        if self._image is None:
            if get_backend().lower() in SCREENLESS:
                warnings.warn(
                    f'render_mode "human" has no screen (matplotlib draws with {get_backend()}); "rgb_array" gives '
                    "pictures without one",
                    stacklevel=4,
                )
            _, axes = pyplot.subplots(num="OsimGait-v0", figsize=(6.4, 6.4))
            axes.set_position((0.0, 0.0, 1.0, 1.0))
            axes.axis("off")
            self._image = axes.imshow(picture)
            pyplot.show(block=False)
        self._image.set_data(picture)
        canvas = self._image.figure.canvas
        canvas.draw_idle()
        canvas.flush_events()

    def close(self) -> None:
        """Close the window."""
        if self._image is not None:
            from matplotlib import pyplot

            pyplot.close(self._image.figure)
        self._image = self._film = None


class _Still(Film):
    """A film's stage without the curve below it."""

    def picture(self, scene: Scene, clock: str) -> NDArray[np.uint8]:
        """Draw another scene's first frame on the same stage."""
        self.scene = scene
        self.frame(0)
        self.clock.set_text(clock)
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())[:, :, :3].copy()

    def _prepare_strip(self) -> None:
        self.strip.axis("off")
        self.stage.set_position((0.02, 0.02, 0.96, 0.93))
        self.cursor = self.strip.axvline(0.0, visible=False)


def scene_now(now: Now, model: Model) -> Scene:
    """Geometry of a body now, moved back by whole marks of the floor so that it stays on the stage."""
    index = pd.Index([0.0, 0.01], name="time")

    def table(values: NDArray[Any], columns: tuple[str, ...]) -> pd.DataFrame:
        return pd.DataFrame(np.tile(np.nan_to_num(values), (2, 1)), columns=list(columns), index=index)

    q, ground, forward = np.array(now.q), np.array(now.ground), model.index("coordinate", "pelvis_tx")
    back = MARK_DISTANCE * np.floor(q[forward] / MARK_DISTANCE)
    q[forward] -= back
    ground[:, 1, 0] -= back
    columns = tuple(
        f"{prefix}_{side}_{part}{axis}"
        for side in SIDES
        for prefix, part in (("ground_force", "v"), ("ground_force", "p"), ("ground_torque", ""))
        for axis in "xyz"
    )
    trial = GaitTrial(
        name="OsimGait-v0",
        coordinates=table(q, tuple(model.coordinate_names)),
        ground_reactions=table(ground.reshape(-1), columns),
        muscles={"activation": table(now.activation, tuple(model.muscle_names))},
        metadata=TrialAbout(source="simulation", mass=now.mass, speed_commanded=now.speed).to_metadata(),
    )
    return make_scene(trial, model, rate=100.0)
