from .gait.agreement import compare_curves as compare_curves
from .gait.agreement import compare_spm as compare_spm
from .gait.cycle import CycleStack as CycleStack
from .gait.cycle import find_strides as find_strides
from .gait.cycle import normalize_cycles as normalize_cycles
from .gait.cycle import trial_cycles as trial_cycles
from .gait.energy import compute_metabolics as compute_metabolics
from .gait.metrics import compute_metrics as compute_metrics
from .gait.metrics import symmetry_rows as symmetry_rows
from .gait.norm_bands import bands_for as bands_for
from .gait.spatiotemporal import compute_spatiotemporal as compute_spatiotemporal
from .gait.symmetry import cross_correlation as cross_correlation
from .gait.symmetry import symmetry_of as symmetry_of
from .gait.symmetry import symmetry_table as symmetry_table
from .gait.symmetry import trend_symmetry as trend_symmetry
from .lab.batch import run_batch as run_batch
from .lab.export import export_opensim as export_opensim
from .lab.manifest import read_manifest as read_manifest
from .lab.pipeline import analyse as analyse
from .lab.pipeline import analyse_trial as analyse_trial
from .lab.request import LabRequest as LabRequest
from .lab.request import make_request as make_request
from .lab.run import run_request as run_request
from .lab.run import run_trial as run_trial
from .lab.settings import LabSettings as LabSettings
from .made_up.person import make_synthetic_trial as make_synthetic_trial
from .markers.draft import draft_marker_map as draft_marker_map
from .markers.identify import identify as identify
from .markers.map import read_marker_map as read_marker_map
from .outcomes.paired import paired_changes as paired_changes
from .outcomes.signs import judge_signs as judge_signs
from .outcomes.walk import walk_outcomes as walk_outcomes
from .report.comparison import write_comparison as write_comparison
from .report.figures import figure_compare as figure_compare
from .report.figures import figure_grid as figure_grid
from .report.study import write_study_report as write_study_report
from .report.trial import write_report as write_report
from .scores.table import compute_scores as compute_scores
from .session.plan import plan_session as plan_session
from .session.run import run_session as run_session
from .session.session import Session as Session
from .session.session import read_session as read_session
from .signals.emg import emg_channels as emg_channels
from .signals.emg import normalize_emg as normalize_emg
from .signals.emg import process_emg as process_emg
from .signals.events import detect_events as detect_events
from .signals.filters import butterworth as butterworth
from .signals.filters import fill_gaps as fill_gaps
from .signals.frame import LabFrame as LabFrame
from .signals.frame import find_lab_frame as find_lab_frame
from .signals.measured import C3DFile as C3DFile
from .signals.measured import LabTrial as LabTrial
from .signals.measured import process_trial as process_trial
from .signals.measured import read_c3d as read_c3d
from .signals.measured import standing_mass as standing_mass
from .signals.overrides import read_overrides as read_overrides
from .signals.plates import read_plates as read_plates

__all__ = [
    "C3DFile",
    "CycleStack",
    "LabFrame",
    "LabRequest",
    "LabSettings",
    "LabTrial",
    "Session",
    "analyse",
    "analyse_trial",
    "bands_for",
    "butterworth",
    "compare_curves",
    "compare_spm",
    "compute_metabolics",
    "compute_metrics",
    "compute_scores",
    "compute_spatiotemporal",
    "cross_correlation",
    "detect_events",
    "draft_marker_map",
    "emg_channels",
    "export_opensim",
    "figure_compare",
    "figure_grid",
    "fill_gaps",
    "find_lab_frame",
    "find_strides",
    "identify",
    "judge_signs",
    "make_request",
    "make_synthetic_trial",
    "normalize_cycles",
    "normalize_emg",
    "paired_changes",
    "plan_session",
    "process_emg",
    "process_trial",
    "read_c3d",
    "read_manifest",
    "read_marker_map",
    "read_overrides",
    "read_plates",
    "read_session",
    "run_batch",
    "run_request",
    "run_session",
    "run_trial",
    "standing_mass",
    "symmetry_of",
    "symmetry_rows",
    "symmetry_table",
    "trend_symmetry",
    "trial_cycles",
    "walk_outcomes",
    "write_comparison",
    "write_report",
    "write_study_report",
]
