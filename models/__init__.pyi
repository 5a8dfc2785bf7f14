from .builder import MODEL_PATH as MODEL_PATH
from .builder import build as build
from .builder import model_path as model_path
from .builder import write as write
from .deficit import Deficit as Deficit
from .deficit import deficit_names as deficit_names
from .deficit import load_deficit as load_deficit
from .deficit import muscle_groups as muscle_groups
from .describe import read as read
from .describe import summary as summary
from .device import AddedMass as AddedMass
from .device import Device as Device
from .device import JointActuation as JointActuation
from .device import device_names as device_names
from .device import load_device as load_device
from .energetics import BhargavaOptions as BhargavaOptions
from .energetics import MetabolicRates as MetabolicRates
from .energetics import MuscleParameters as MuscleParameters
from .energetics import UmbergerOptions as UmbergerOptions
from .energetics import basal_rate as basal_rate
from .energetics import bhargava2004 as bhargava2004
from .energetics import muscle_mass as muscle_mass
from .energetics import umberger2010 as umberger2010
from .levers import moment_arms as moment_arms
from .levers import plot_moment_arms as plot_moment_arms
from .opensim_api import captured_log as captured_log
from .opensim_api import import_opensim as import_opensim
from .subject import Subject as Subject
from .subject import generic_mass as generic_mass
from .subject import load_subject as load_subject
from .subject import muscle_masses as muscle_masses
from .subject import subject_names as subject_names
from .tables import Tables as Tables
from .tables import load_tables as load_tables

__all__ = [
    "MODEL_PATH",
    "AddedMass",
    "BhargavaOptions",
    "Deficit",
    "Device",
    "JointActuation",
    "MetabolicRates",
    "MuscleParameters",
    "Subject",
    "Tables",
    "UmbergerOptions",
    "basal_rate",
    "bhargava2004",
    "build",
    "captured_log",
    "deficit_names",
    "device_names",
    "generic_mass",
    "import_opensim",
    "load_deficit",
    "load_device",
    "load_subject",
    "load_tables",
    "model_path",
    "moment_arms",
    "muscle_groups",
    "muscle_mass",
    "muscle_masses",
    "plot_moment_arms",
    "read",
    "subject_names",
    "summary",
    "umberger2010",
    "write",
]
