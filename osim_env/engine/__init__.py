"""The compiled twin: OpenSim's equations at machine speed."""

from data._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {
        "batch": [
            "accelerations",
            "contact_forces",
            "initial_tendon_force",
            "inverse_dynamics",
            "kinematics",
            "muscle_state",
            "step",
        ],
        "compiler": ["compile_osim"],
        "model": ["Model"],
        "threads": ["get_threads", "set_threads"],
        "opensim_engine": ["OpenSimEngine"],
        "results": ["ContactForces", "Kinematics", "MuscleState"],
        "state": ["Parameters", "Record", "State"],
    },
)
