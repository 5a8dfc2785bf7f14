"""Build the OpenSim model from its tables, for a person, a deficit and a device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.files import written_beside
from exogait.data.names import MODEL_FILE
from exogait.data.output import OutputError

from . import forces, scaling, skeleton
from .deficit import Deficit, load_deficit
from .device import Device, load_device
from .muscles import MuscleKind, TendonKind, add_muscles
from .opensim_api import import_opensim
from .subject import Subject, as_subject, generic_mass
from .tables import load_tables

if TYPE_CHECKING:
    import opensim

#: The committed model: ``build(device="hip_ankle")``.
MODEL_PATH = Path(__file__).parent / MODEL_FILE

CREDITS = (
    "Derived from the Gait2392 model by D.G. Thelen, A. Seth, F.C. Anderson and S.L. Delp (CC BY 3.0), whose numbers "
    "come from Delp et al. 1990, Yamaguchi and Zajac 1989, and Anderson and Pandy 1999, 2001. "
    "Changes: see docs/model_card.md of exogait."
)
PUBLICATIONS = (
    "Delp et al. 1990, IEEE Trans Biomed Eng 37:757-767. Yamaguchi and Zajac 1989, J Biomech 22:1-10. "
    "Anderson and Pandy 1999, Comput Methods Biomech Biomed Engin 2:201-231. "
    "Delp et al. 2007, IEEE Trans Biomed Eng 54:1940-1950. De Groote et al. 2016, Ann Biomed Eng 44:2922-2936."
)


def build(
    device: str | Path | Device | None = None,
    deficit: str | Path | Deficit | None = None,
    subject: str | Path | Subject | None = None,
    muscles: MuscleKind = "degroote_fregly",
    contact: bool = True,
    *,
    tendon: TendonKind = "rigid",
    trunk_actuators: bool = True,
) -> opensim.Model:
    """Build the gait model.

    Args:
        device: Exoskeleton by name, by YAML file, or as a :class:`Device`; none without.
        deficit: Weakness by name, by YAML file, or as a :class:`Deficit`; healthy without.
        subject: Whose size, as a :class:`Subject` or a YAML file; the generic 75 kg, 1.8 m man without.
        muscles: ``degroote_fregly`` for simulation, ``thelen`` for the published muscle.
        contact: With foot-ground contact.
        tendon: ``rigid``, ``compliant_plantarflexors`` for an elastic Achilles tendon, or ``tuned_plantarflexors`` for
            one whose slack lengths are tuned to walking (``degroote_fregly`` only).
        trunk_actuators: With the weak torques that complete the six trunk muscles.

    Returns:
        An ``opensim.Model`` with its connections made; call ``initSystem()`` before use.

    Raises:
        ExogaitError: A name, a file or a value that is not allowed.

    Example:
        >>> model = build(device="hip_ankle", deficit="plantarflexors")
        >>> model.getMuscles().getSize(), model.getCoordinateSet().getSize()
        (92, 23)
    """
    for field, value, allowed in (
        ("muscles", muscles, get_args(MuscleKind)),
        ("tendon", tendon, get_args(TendonKind)),
    ):
        if value not in allowed:
            raise UnknownNameError(f"choice for {field}", value, allowed)
    if muscles == "thelen" and tendon != "rigid":
        raise InputError("tendon", tendon, "leave it out with muscles='thelen', whose tendons are always compliant")
    worn = load_device(device) if isinstance(device, (str, Path)) else device
    weakness = load_deficit(deficit) if isinstance(deficit, (str, Path)) else deficit
    person = as_subject(subject)

    opensim = import_opensim()
    tables = load_tables()
    model = opensim.Model()
    model.setName("gait2392_exo")
    model.set_credits(CREDITS)
    model.set_publications(PUBLICATIONS)
    model.setGravity(opensim.Vec3(0, -tables.constants["gravity"], 0))
    skeleton.add_bodies(opensim, model, tables)
    skeleton.add_joints(opensim, model, tables)
    add_muscles(opensim, model, tables, kind=muscles, tendon=tendon)
    skeleton.add_markers(opensim, model, tables)
    model.finalizeConnections()

    body_mass, factors = generic_mass(), None
    if person is not None:
        scaling.scale_to_subject(opensim, model, person)
        model.setName(f"gait2392_exo_{person.name}")
        body_mass, factors = person.mass, person.body_factors()
    if weakness is not None:
        _weaken(model, weakness)
    if contact:
        forces.add_contact(opensim, model, tables, factors=factors)
    forces.add_joint_limits(opensim, model, tables)
    if trunk_actuators:
        forces.add_trunk_actuators(opensim, model, tables, strength=body_mass / generic_mass())
    if worn is not None:
        scaling.add_device_mass(opensim, model, worn, factors)
        for joint in worn.actuation:
            forces.add_torque_actuator(
                opensim,
                model,
                name=joint.actuator,
                coordinate=joint.coordinate,
                maximum=joint.peak_positive * body_mass,
                minimum=-joint.peak_negative * body_mass,
            )
    model.finalizeConnections()
    return model


def model_path() -> Path:
    """Where the suite's own built model lies: generic person, healthy, with the hip-ankle device."""
    return MODEL_PATH


def _weaken(model: Any, deficit: Deficit) -> None:
    muscles = model.getMuscles()
    for name, fraction in deficit.strength.items():
        muscle = muscles.get(name)
        muscle.setMaxIsometricForce(fraction * muscle.getMaxIsometricForce())


def write(model: Any, path: str | Path) -> Path:
    """Write a model as an ``.osim`` file, completely or not at all.

    Args:
        model: An ``opensim.Model``.
        path: The file; its folder must exist.

    Returns:
        The path.

    Raises:
        InputError: The name does not end in ``.osim``.
        FileFormatError: The folder does not exist or cannot be written.

    Example:
        >>> from tempfile import mkdtemp
        >>> write(build(), Path(mkdtemp()) / "mine.osim").name
        'mine.osim'
    """
    path = Path(path)
    if path.suffix != ".osim":
        raise InputError("out", str(path), "give a file name that ends in .osim")
    if not path.parent.is_dir():
        raise FileFormatError(path, f"the folder {path.parent} does not exist", "make it first")
    if not os.access(path.parent, os.W_OK):
        raise FileFormatError(path, f"the folder {path.parent} cannot be written to")
    with written_beside(path) as beside:
        try:
            model.printToXML(str(beside))
        except RuntimeError as error:  # all that OpenSim says of a full disk
            raise OutputError(path, "OpenSim cannot write it", "check the space on the disk") from error
    return path
