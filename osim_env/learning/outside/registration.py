"""Gymnasium's name for the walking body, by strings: nothing is imported before somebody makes one.

Gymnasium calls :func:`register` itself where the suite is installed (an entry point of the package), ``import exogait``
does in any other place.
"""

from __future__ import annotations

ENVIRONMENT = "OsimGait-v0"


def register() -> None:
    """Register ``OsimGait-v0`` with Gymnasium."""
    # Not from gymnasium itself, which may still be at its own import when it calls this.
    from gymnasium.envs import registration

    if ENVIRONMENT not in registration.registry:
        registration.register(
            ENVIRONMENT,
            entry_point="exogait.osim_env.learning.gait_env:OsimGaitEnv",
            vector_entry_point="exogait.osim_env.learning.gait_env:OsimGaitVectorEnv",
        )
