from .batch import accelerations as accelerations
from .batch import contact_forces as contact_forces
from .batch import initial_tendon_force as initial_tendon_force
from .batch import inverse_dynamics as inverse_dynamics
from .batch import kinematics as kinematics
from .batch import muscle_state as muscle_state
from .batch import step as step
from .compiler import compile_osim as compile_osim
from .model import Model as Model
from .opensim_engine import OpenSimEngine as OpenSimEngine
from .results import ContactForces as ContactForces
from .results import Kinematics as Kinematics
from .results import MuscleState as MuscleState
from .state import Parameters as Parameters
from .state import Record as Record
from .state import State as State
from .threads import get_threads as get_threads
from .threads import set_threads as set_threads

__all__ = [
    "ContactForces",
    "Kinematics",
    "Model",
    "MuscleState",
    "OpenSimEngine",
    "Parameters",
    "Record",
    "State",
    "accelerations",
    "compile_osim",
    "contact_forces",
    "get_threads",
    "initial_tendon_force",
    "inverse_dynamics",
    "kinematics",
    "muscle_state",
    "set_threads",
    "step",
]
