"""What both roads share: gait trials, OpenSim storage files, reference numbers, errors.

Names are imported on first use, so that ``import data`` costs nothing.
"""

from ._lazy import attach

__all__ = [
    "DataQualityWarning",
    "ExogaitError",
    "FileFormatError",
    "InputError",
    "MissingDependencyError",
    "SimulationDivergedError",
    "UnitsError",
    "UnknownNameError",
    "UnsupportedModelError",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "errors": [
            "DataQualityWarning",
            "ExogaitError",
            "FileFormatError",
            "InputError",
            "MissingDependencyError",
            "SimulationDivergedError",
            "UnitsError",
            "UnknownNameError",
            "UnsupportedModelError",
        ],
    },
)
