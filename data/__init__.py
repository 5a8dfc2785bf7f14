"""What both roads share: gait trials, OpenSim storage files, reference numbers, errors.

Names are imported on first use, so that ``import data`` costs nothing.
"""

from ._lazy import attach

__all__ = [
    "BhargavaOptions",
    "DataQualityWarning",
    "ExogaitError",
    "FileFormatError",
    "GaitEvent",
    "GaitTrial",
    "InputError",
    "MetabolicRates",
    "MissingDependencyError",
    "MuscleParameters",
    "SimulationDivergedError",
    "UmbergerOptions",
    "UnitsError",
    "UnknownNameError",
    "UnsupportedModelError",
    "basal_rate",
    "bhargava2004",
    "interpolate_table",
    "is_translational",
    "marker_array",
    "marker_labels",
    "marker_table",
    "metres_per_unit",
    "muscle_mass",
    "read_mot",
    "read_sto",
    "read_trc",
    "to_degrees",
    "to_radians",
    "umberger2010",
    "write_mot",
    "write_sto",
    "write_trc",
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
        "metabolics": [
            "BhargavaOptions",
            "MetabolicRates",
            "MuscleParameters",
            "UmbergerOptions",
            "basal_rate",
            "bhargava2004",
            "muscle_mass",
            "umberger2010",
        ],
        "storage": ["read_mot", "read_sto", "to_degrees", "to_radians", "write_mot", "write_sto"],
        "trc": ["marker_array", "marker_labels", "marker_table", "metres_per_unit", "read_trc", "write_trc"],
        "trial": ["GaitEvent", "GaitTrial", "interpolate_table", "is_translational"],
    },
)
