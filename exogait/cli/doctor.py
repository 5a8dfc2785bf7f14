"""Is the installation sound?"""

from __future__ import annotations

from tyro.extras import SubcommandApp


def register(app: SubcommandApp) -> None:
    """Put the command in."""
    app.command(doctor)


def doctor() -> None:
    """Check the installation: Python, packages, OpenSim, compiler, extras, platform, data folder."""
    from exogait.junction.installation import check_installation

    failures = 0
    for finding in check_installation():
        failures += finding.state == "PROBLEM"
        print(finding)
    if failures:
        raise SystemExit(1)
