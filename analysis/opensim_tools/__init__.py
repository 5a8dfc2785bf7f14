"""OpenSim's own tools, driven without the GUI: scale, inverse kinematics, inverse dynamics, muscles, quality."""

from data._lazy import attach

_EXPORTS = {
    "analyses": [
        "OptimizationResult",
        "body_kinematics",
        "joint_reaction",
        "muscle_analysis",
        "muscle_parameter_table",
        "optimize_intervals",
        "static_optimization",
    ],
    "common": ["load_model"],
    "external_loads": [
        "held_pressure",
        "loaded_at",
        "read_ground_reactions",
        "stance_intervals",
        "valid_kinetics",
        "write_ground_reactions",
    ],
    "dynamics": ["DynamicsResult", "inverse_dynamics", "mask_kinetics", "run_id_tool"],
    "kinematics": ["KinematicsResult", "inverse_kinematics", "run_ik_tool"],
    "states": ["muscle_states", "smooth_motion"],
    "scale": ["ScaleResult", "add_markers", "quiet_window", "scale_model", "write_base_model"],
}

__all__ = [
    "DynamicsResult",
    "KinematicsResult",
    "OptimizationResult",
    "ScaleResult",
    "add_markers",
    "body_kinematics",
    "held_pressure",
    "inverse_dynamics",
    "inverse_kinematics",
    "joint_reaction",
    "load_model",
    "loaded_at",
    "mask_kinetics",
    "muscle_analysis",
    "muscle_parameter_table",
    "muscle_states",
    "optimize_intervals",
    "quiet_window",
    "read_ground_reactions",
    "run_id_tool",
    "run_ik_tool",
    "scale_model",
    "smooth_motion",
    "stance_intervals",
    "static_optimization",
    "valid_kinetics",
    "write_base_model",
    "write_ground_reactions",
]

__getattr__, __dir__ = attach(__name__, _EXPORTS)
