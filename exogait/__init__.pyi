from . import analysis as analysis
from . import data as data
from . import models as models
from . import osim_env as osim_env

__version__: str

__all__ = ["analysis", "data", "models", "osim_env"]
