"""What a check may look at: everything that the lab road found out about one walk, before anything is withheld."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from exogait.data import GaitTrial

from ..c3d.reader import C3DFile
from ..gait.spatiotemporal import Spatiotemporal
from ..markers.identify import Identity
from ..opensim_tools.dynamics import DynamicsResult
from ..opensim_tools.kinematics import KinematicsResult
from ..opensim_tools.scale import ScaleResult
from ..signals.measured import LabTrial


@dataclass(frozen=True, kw_only=True)
class Case:
    """One walk and everything that was computed of it."""

    mass: float
    """Body mass as stated, kg."""
    height: float | None
    """Body height as stated, m."""
    resting: C3DFile
    """The static trial's file."""
    standing: pd.DataFrame
    """Static trial as a marker table in OpenSim's frame, m."""
    at_rest: Identity
    """What the static trial's labels mean."""
    recording: C3DFile
    """The walking trial's file."""
    identity: Identity
    """What the walking trial's labels mean."""
    lab: LabTrial
    """Clean signals and the decisions behind them."""
    scale: ScaleResult
    """Scaled model."""
    kinematics: KinematicsResult
    """Joint angles and marker errors."""
    dynamics: DynamicsResult | None
    """Joint moments; ``None`` without force plates."""
    numbers: Spatiotemporal
    """Speed, lengths, times."""
    trial: GaitTrial
    """All of it as one trial, with the body mass, nothing withheld."""
