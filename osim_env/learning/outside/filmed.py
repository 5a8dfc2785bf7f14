"""What all environments of one body share: pictures, and copies that leave the window behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError

from ...engine import Model

if TYPE_CHECKING:
    from ...viewing.live import Camera, Now

RENDER_MODES = ("rgb_array", "human")


class FilmedEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """An environment of one body that shows itself.

    Args:
        render_mode: ``"rgb_array"`` gives pictures, ``"human"`` shows them in a window; None neither.

    Raises:
        InputError: There is no such way to render.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": 50}  # noqa: RUF012 (Gymnasium's own)

    def __init__(self, render_mode: str | None) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise InputError("render_mode", render_mode, f"choose {' or '.join(RENDER_MODES)}, or None")
        self.render_mode = render_mode
        self._camera: Camera | None = None

    def film_each(self, control_step: float) -> None:
        """Set the frames a second of films: one a control step (s)."""
        self.metadata = {**self.metadata, "render_fps": round(1.0 / control_step)}

    def look(self) -> tuple[Model, Now]:
        """The body, and what a picture shows of it."""
        raise NotImplementedError

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """A picture of the body now, shape (height, width, 3); in the mode ``human`` it is shown instead."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: gymnasium.make(..., render_mode='rgb_array')")
            return None
        model, now = self.look()
        if self._camera is None:
            from ...viewing.live import Camera

            self._camera = Camera(model, window=self.render_mode == "human")
        return self._camera.show(now)

    def close(self) -> None:
        """Close the window."""
        if self._camera is not None:
            self._camera.close()
        self._camera = None

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and ``copy.deepcopy`` keep: all but the window."""
        return {**vars(self), "_camera": None}
