from .about import TrialAbout as TrialAbout
from .constants import CONDITIONS as CONDITIONS
from .constants import GRAVITY as GRAVITY
from .errors import DataQualityWarning as DataQualityWarning
from .errors import ExogaitError as ExogaitError
from .errors import FileFormatError as FileFormatError
from .errors import ForkedError as ForkedError
from .errors import InputError as InputError
from .errors import MissingDependencyError as MissingDependencyError
from .errors import SimulationDivergedError as SimulationDivergedError
from .errors import UnitsError as UnitsError
from .errors import UnknownNameError as UnknownNameError
from .errors import UnsupportedModelError as UnsupportedModelError
from .extras import EXTRAS as EXTRAS
from .extras import require_extra as require_extra
from .files import path_component as path_component
from .files import write_bytes_atomic as write_bytes_atomic
from .files import write_csv as write_csv
from .files import write_text_atomic as write_text_atomic
from .files import written_beside as written_beside
from .home import find as find
from .home import user_folder as user_folder
from .names import SIDES as SIDES
from .names import Side as Side
from .names import is_translational as is_translational
from .names import mirrored_name as mirrored_name
from .names import other_side as other_side
from .names import side_of as side_of
from .names import stem as stem
from .norms import NormCurve as NormCurve
from .norms import dimensionless_speed as dimensionless_speed
from .norms import norm_keys as norm_keys
from .norms import norms_for as norms_for
from .norms import read_norms as read_norms
from .norms import read_scalars as read_scalars
from .norms import scalar as scalar
from .output import OutputError as OutputError
from .output import output_file as output_file
from .output import output_folder as output_folder
from .quality import QualityRow as QualityRow
from .quality import quality_rows as quality_rows
from .registry import Dataset as Dataset
from .registry import data_folder as data_folder
from .registry import dataset as dataset
from .registry import datasets as datasets
from .registry import fetch as fetch
from .registry import find_dataset as find_dataset
from .storage import read_mot as read_mot
from .storage import read_sto as read_sto
from .storage import to_degrees as to_degrees
from .storage import to_radians as to_radians
from .storage import write_mot as write_mot
from .storage import write_sto as write_sto
from .trc import marker_array as marker_array
from .trc import marker_labels as marker_labels
from .trc import marker_table as marker_table
from .trc import metres_per_unit as metres_per_unit
from .trc import read_trc as read_trc
from .trc import write_trc as write_trc
from .trial import GaitEvent as GaitEvent
from .trial import GaitTrial as GaitTrial
from .trial import interpolate_table as interpolate_table

__all__ = [
    "CONDITIONS",
    "EXTRAS",
    "GRAVITY",
    "SIDES",
    "DataQualityWarning",
    "Dataset",
    "ExogaitError",
    "FileFormatError",
    "ForkedError",
    "GaitEvent",
    "GaitTrial",
    "InputError",
    "MissingDependencyError",
    "NormCurve",
    "OutputError",
    "QualityRow",
    "Side",
    "SimulationDivergedError",
    "TrialAbout",
    "UnitsError",
    "UnknownNameError",
    "UnsupportedModelError",
    "data_folder",
    "dataset",
    "datasets",
    "dimensionless_speed",
    "fetch",
    "find",
    "find_dataset",
    "interpolate_table",
    "is_translational",
    "marker_array",
    "marker_labels",
    "marker_table",
    "metres_per_unit",
    "mirrored_name",
    "norm_keys",
    "norms_for",
    "other_side",
    "output_file",
    "output_folder",
    "path_component",
    "quality_rows",
    "read_mot",
    "read_norms",
    "read_scalars",
    "read_sto",
    "read_trc",
    "require_extra",
    "scalar",
    "side_of",
    "stem",
    "to_degrees",
    "to_radians",
    "user_folder",
    "write_bytes_atomic",
    "write_csv",
    "write_mot",
    "write_sto",
    "write_text_atomic",
    "write_trc",
    "written_beside",
]
