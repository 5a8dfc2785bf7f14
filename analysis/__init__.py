"""Measurement and comparison: from gait-lab files, or simulations, to the numbers a biomechanist knows.

Names are imported on first use, so that ``import analysis`` costs nothing.
"""

from data._lazy import attach

__all__ = [
    "C3DFile",
    "CycleStack",
    "LabFrame",
    "LabTrial",
    "butterworth",
    "compare_curves",
    "compare_spm",
    "compute_spatiotemporal",
    "cross_correlation",
    "detect_events",
    "emg_channels",
    "fill_gaps",
    "find_lab_frame",
    "find_strides",
    "make_synthetic_trial",
    "normalize_cycles",
    "normalize_emg",
    "process_emg",
    "process_trial",
    "read_c3d",
    "read_overrides",
    "read_plates",
    "standing_mass",
    "symmetry_of",
    "symmetry_table",
    "trend_symmetry",
    "trial_cycles",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "c3d": ["C3DFile", "LabTrial", "process_trial", "read_c3d", "standing_mass"],
        "compare": ["compare_curves", "compare_spm"],
        "emg": ["emg_channels", "normalize_emg", "process_emg"],
        "events": ["detect_events", "read_overrides"],
        "filters": ["butterworth", "fill_gaps"],
        "force_plates": ["read_plates"],
        "gait_cycle": ["CycleStack", "find_strides", "normalize_cycles", "trial_cycles"],
        "lab_frame": ["LabFrame", "find_lab_frame"],
        "spatiotemporal": ["compute_spatiotemporal"],
        "symmetry": ["cross_correlation", "symmetry_of", "symmetry_table", "trend_symmetry"],
        "synthetic": ["make_synthetic_trial"],
    },
)
