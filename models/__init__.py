"""The model as data: tables, devices, deficits, and the builder that turns them into an OpenSim model."""

from data._lazy import attach

_EXPORTS = {
    "builder": ["MODEL_PATH", "build", "model_path", "write"],
    "deficit": ["Deficit", "deficit_names", "load_deficit", "muscle_groups"],
    "device": ["AddedMass", "Device", "JointActuation", "device_names", "load_device"],
    "levers": ["moment_arms", "plot_moment_arms"],
    "opensim_api": ["captured_log", "import_opensim"],
    "subject": ["Subject", "generic_mass", "load_subject", "muscle_masses"],
    "describe": ["read", "summary"],
    "tables": ["Tables", "load_tables"],
}

__all__ = [
    "MODEL_PATH",
    "AddedMass",
    "Deficit",
    "Device",
    "JointActuation",
    "Subject",
    "Tables",
    "build",
    "captured_log",
    "deficit_names",
    "device_names",
    "generic_mass",
    "import_opensim",
    "load_deficit",
    "load_device",
    "load_subject",
    "load_tables",
    "model_path",
    "moment_arms",
    "muscle_groups",
    "muscle_masses",
    "plot_moment_arms",
    "read",
    "summary",
    "write",
]

__getattr__, __dir__ = attach(__name__, _EXPORTS)
