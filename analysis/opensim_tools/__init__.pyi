from .analyses import body_kinematics as body_kinematics
from .analyses import joint_reaction as joint_reaction
from .analyses import muscle_analysis as muscle_analysis
from .analyses import muscle_parameter_table as muscle_parameter_table
from .common import load_model as load_model
from .dynamics import DynamicsResult as DynamicsResult
from .dynamics import inverse_dynamics as inverse_dynamics
from .dynamics import mask_kinetics as mask_kinetics
from .dynamics import run_id_tool as run_id_tool
from .external_loads import held_pressure as held_pressure
from .external_loads import loaded_at as loaded_at
from .external_loads import read_ground_reactions as read_ground_reactions
from .external_loads import stance_intervals as stance_intervals
from .external_loads import valid_kinetics as valid_kinetics
from .external_loads import write_ground_reactions as write_ground_reactions
from .kinematics import KinematicsResult as KinematicsResult
from .kinematics import inverse_kinematics as inverse_kinematics
from .kinematics import run_ik_tool as run_ik_tool
from .scale import ScaleResult as ScaleResult
from .scale import add_markers as add_markers
from .scale import quiet_window as quiet_window
from .scale import scale_model as scale_model
from .scale import write_base_model as write_base_model
from .states import muscle_states as muscle_states
from .states import smooth_motion as smooth_motion
from .static_optimization import OptimizationResult as OptimizationResult
from .static_optimization import optimize_intervals as optimize_intervals
from .static_optimization import static_optimization as static_optimization

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
