from . import engine as engine
from .controller.export import export_controller as export_controller
from .controller.loop import Controller as Controller
from .excitation.config import ExcitationConfig as ExcitationConfig
from .excitation.world import ExcitationWorld as ExcitationWorld
from .gait.config import WorldConfig as WorldConfig
from .gait.reference import ReferenceMotion as ReferenceMotion
from .gait.reference import load_reference as load_reference
from .gait.reference_fit import fit_reference as fit_reference
from .gait.reference_fit import strides_of_trial as strides_of_trial
from .gait.setup import WorldSetup as WorldSetup
from .gait.setup import make_world as make_world
from .gait.world import GaitWorld as GaitWorld
from .learning.config import TrainConfig as TrainConfig
from .learning.evaluation import EvaluationConfig as EvaluationConfig
from .learning.evaluation import evaluate_policy as evaluate_policy
from .learning.excitation.setup import make_excitation_world as make_excitation_world
from .learning.gait_env import OsimGaitEnv as OsimGaitEnv
from .learning.gait_env import OsimGaitVectorEnv as OsimGaitVectorEnv
from .learning.outside.recruitment_env import RecruitmentEnv as RecruitmentEnv
from .learning.outside.recruitment_env import RecruitmentVectorEnv as RecruitmentVectorEnv
from .learning.outside.recruitment_vec_env import RecruitmentVecEnv as RecruitmentVecEnv
from .learning.outside.registration import register as register
from .learning.policy import Policy as Policy
from .learning.policy import export_onnx as export_onnx
from .learning.policy import load_policy as load_policy
from .learning.rollout import roll_out as roll_out
from .learning.simulation import simulate as simulate
from .learning.trainer import Trainer as Trainer
from .learning.vec_env import GaitVecEnv as GaitVecEnv
from .viewing.replay_page import Replay as Replay
from .viewing.replay_page import replay as replay

__all__ = [
    "Controller",
    "EvaluationConfig",
    "ExcitationConfig",
    "ExcitationWorld",
    "GaitVecEnv",
    "GaitWorld",
    "OsimGaitEnv",
    "OsimGaitVectorEnv",
    "Policy",
    "RecruitmentEnv",
    "RecruitmentVecEnv",
    "RecruitmentVectorEnv",
    "ReferenceMotion",
    "Replay",
    "TrainConfig",
    "Trainer",
    "WorldConfig",
    "WorldSetup",
    "engine",
    "evaluate_policy",
    "export_controller",
    "export_onnx",
    "fit_reference",
    "load_policy",
    "load_reference",
    "make_excitation_world",
    "make_world",
    "register",
    "replay",
    "roll_out",
    "simulate",
    "strides_of_trial",
]
