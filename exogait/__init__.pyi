from . import analysis as analysis
from . import data as data
from . import models as models
from . import osim_env as osim_env
from .analysis.c3d.reader import read_c3d as read_c3d
from .analysis.lab.pipeline import analyse as analyse
from .analysis.lab.run import run_trial as run_lab
from .analysis.session.run import run_session as session
from .junction.open import open as open
from .junction.verbs import compare as compare
from .junction.verbs import policies as policies
from .junction.verbs import train as train
from .models.builder import build as build_model
from .osim_env.engine.verify import verify as verify
from .osim_env.learning.simulation import simulate as simulate
from .osim_env.viewing.replay_page import replay as replay

__version__: str

__all__ = [
    "analyse",
    "analysis",
    "build_model",
    "compare",
    "data",
    "models",
    "open",
    "osim_env",
    "policies",
    "read_c3d",
    "replay",
    "run_lab",
    "session",
    "simulate",
    "train",
    "verify",
]
