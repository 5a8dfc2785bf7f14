"""Simulation and learning: the compiled engine, the environment, rewards, training.

``gymnasium.make("OsimGait-v0")`` works once this package is imported, or where the suite is installed.
"""

from data._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {
        "controller": ["Controller", "export_controller"],
        "engine": [],
        "evaluation": ["EvaluationConfig", "evaluate_policy"],
        "gait_env": ["OsimGaitEnv", "register"],
        "policy": ["Policy", "export_onnx", "load_policy"],
        "reference": ["ReferenceMotion", "load_reference"],
        "reference_fit": ["fit_reference", "strides_of_trial"],
        "replay_page": ["Replay", "replay"],
        "rollout": ["roll_out"],
        "simulation": ["simulate"],
        "setup": ["WorldSetup", "make_world"],
        "training": ["TrainConfig", "Trainer"],
        "vec_env": ["GaitVecEnv"],
        "world": ["GaitWorld", "WorldConfig"],
    },
)
