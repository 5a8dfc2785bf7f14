"""What comes beside the base installation: which extra brings which packages, and what for.

The base installation holds the lab road, the models, the engine, and walks of finished policies. A command that needs
more says so with :func:`require_extra` before it does anything; looking a package up does not import it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .errors import MissingDependencyError, UnknownNameError


@dataclass(frozen=True)
class Extra:
    """A group of packages that is installed by ``pip install "exogait[name]"``.

    Attributes:
        name: Name in the square brackets.
        purpose: What it is for, the beginning of a sentence that goes on with "needs ...".
        modules: Distribution to the module that it brings; none of them can be missed.
        helpful: The same of distributions without which everything works, but for what they add.
    """

    name: str
    purpose: str
    modules: Mapping[str, str]
    helpful: Mapping[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[str, ...]:
        """All distributions that it brings."""
        return (*self.modules, *self.helpful)

    @property
    def missing(self) -> tuple[str, ...]:
        """Distributions that are not installed and cannot be missed."""
        return tuple(package for package, module in self.modules.items() if not _installed(module))

    @property
    def missing_helpful(self) -> tuple[str, ...]:
        """Distributions that are not installed and can be missed."""
        return tuple(package for package, module in self.helpful.items() if not _installed(module))


EXTRAS: Mapping[str, Extra] = MappingProxyType(
    {
        extra.name: extra
        for extra in (
            Extra(
                "learn", "learning (train, study, personalize, demo)",
                {"torch": "torch", "stable-baselines3": "stable_baselines3", "cma": "cma"},
                {"tensorboard": "tensorboard"},
            ),
            Extra(
                "controller", "a device's deployable controller (controller, personalize, demo)",
                {"onnx": "onnx"}, {"onnxruntime": "onnxruntime"},
            ),
            Extra("video", "an .mp4 film (a .gif needs nothing more)", {"imageio-ffmpeg": "imageio_ffmpeg"}),
            Extra("spm", "statistical parametric mapping", {"spm1d": "spm1d"}),
            Extra("tables", "spreadsheets and xarray data sets", {"openpyxl": "openpyxl", "xarray": "xarray"}),
            Extra("ray", "a study on a Ray cluster", {"ray": "ray"}),
            Extra(
                "notebooks", "the notebooks", {"ipykernel": "ipykernel", "jupytext": "jupytext", "nbclient": "nbclient"}
            ),
        )
    }
)  # fmt: skip
"""Every extra by its name."""
ALL = "all"
"""Name of the extra that brings all the others."""


def find_extra(name: str) -> Extra:
    """An extra by its name.

    Raises:
        UnknownNameError: There is none of this name.
    """
    if name not in EXTRAS:
        raise UnknownNameError("extra", name, EXTRAS)
    return EXTRAS[name]


def require_extra(name: str, purpose: str | None = None) -> None:
    """Refuse to begin what a missing extra would stop later.

    Args:
        name: Name of the extra.
        purpose: What needs it; what the extra is for if not given.

    Raises:
        MissingDependencyError: A package of it is not installed; the message holds the pip line.
        UnknownNameError: There is no such extra.

    Example:
        >>> require_extra("lern")
        Traceback (most recent call last):
        exogait.data.errors.UnknownNameError: unknown extra 'lern'; did you mean learn?
    """
    extra = find_extra(name)
    if extra.missing:
        raise MissingDependencyError(", ".join(extra.missing), purpose or extra.purpose, extra.name)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
