"""The reference motion: derivatives, symmetry, fit of a known gait, files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from exogait.data.errors import FileFormatError, InputError
from exogait.osim_env.device.mirror import ODD_COORDINATES, mirror_map, mirrored_name
from exogait.osim_env.gait.reference import ReferenceMotion, load_reference
from exogait.osim_env.gait.reference_fit import Stride, fit_reference, mirror

REFERENCE = load_reference()


def test_speeds_are_the_derivatives_of_coordinates() -> None:
    speed = np.full(7, 1.3)
    phase = np.linspace(0, 0.9, 7)
    h = 1e-6
    rate = REFERENCE.frequency(1.3)
    ahead, _ = REFERENCE.evaluate(phase + h * rate, speed)
    behind, _ = REFERENCE.evaluate(phase - h * rate, speed)
    _, u = REFERENCE.evaluate(phase, speed)
    numeric = (ahead - behind) / (2 * h)
    numeric[:, REFERENCE.coordinate_names.index("pelvis_tx")] += 1.3  # steady progression is told by the speed alone
    np.testing.assert_allclose(u, numeric, atol=1e-6)


def test_the_suites_reference_is_symmetric() -> None:
    names = REFERENCE.coordinate_names
    index, sign = mirror_map(names, ODD_COORDINATES)
    phase, speed = np.linspace(0, 1, 21), np.full(21, 1.1)
    here, _ = REFERENCE.evaluate(phase, speed)
    half, _ = REFERENCE.evaluate(phase + 0.5, speed)
    np.testing.assert_allclose(here, sign * half[:, index], atol=2e-6)  # the file keeps seven digits


def test_the_suites_reference_is_a_human_gait() -> None:
    """Ranges a gait laboratory would accept for a healthy adult at 1.25 m/s."""
    phase = np.linspace(0, 1, 101)
    q, _ = REFERENCE.evaluate(phase, np.full(101, 1.25))
    degrees = dict(zip(REFERENCE.coordinate_names, np.degrees(q).T, strict=True))
    assert 55 < -degrees["knee_angle_r"].min() < 72
    assert 35 < np.ptp(degrees["hip_flexion_r"]) < 50
    assert 20 < np.ptp(degrees["ankle_angle_r"]) < 35
    assert 0.9 < REFERENCE.frequency(1.25) < 1.05
    moments = dict(zip(REFERENCE.moment_names, REFERENCE.net_moments(phase, np.full(101, 1.25)).T, strict=True))
    assert 1.1 < -moments["ankle_angle_r"].min() < 1.7
    assert 40 < phase[moments["ankle_angle_r"].argmin()] * 100 < 55


def _stride(speed: float, walk: str) -> Stride:
    phase = np.linspace(0, 1, 60)
    swing = np.radians(20 + 5 * speed)
    knee = -swing * (1 - np.cos(2 * np.pi * phase))
    return Stride("r", phase, 1.0 / (0.5 + 0.4 * speed), speed,
        {"knee_angle_r": knee + 0.01 * phase, "knee_angle_l": np.roll(knee, 30)},
        {"knee_angle_r": np.full(60, np.nan), "knee_angle_l": 0.3 * np.cos(2 * np.pi * phase)},
        walk,
    )  # fmt: skip


def test_fit_recovers_a_known_dependence_on_speed() -> None:
    strides = [_stride(speed, f"walk{speed}") for speed in (0.8, 1.0, 1.3, 1.6)]
    fitted = fit_reference(strides, order=1, speed_range=(0.8, 1.6), symmetric=False)
    q, _ = fitted.evaluate(np.array([0.5]), np.array([1.15]))
    knee = q[0, fitted.coordinate_names.index("knee_angle_r")]
    # The drift over the stride is centred, so it leaves the middle where it was: half of 0.01 rad stays in the mean.
    assert knee == pytest.approx(-2 * np.radians(20 + 5 * 1.15) + 0.005, abs=1e-6)
    np.testing.assert_allclose(fitted.frequency(1.15), 0.5 + 0.4 * 1.15, atol=1e-9)
    assert "knee_angle_r" not in fitted.moment_names  # never measured, so never made up
    assert "knee_angle_l" in fitted.moment_names


def test_mirroring_twice_changes_nothing() -> None:
    stride = _stride(1.0, "w")
    twice = mirror(mirror(stride))
    assert twice.side == stride.side
    for name, values in stride.coordinates.items():
        np.testing.assert_array_equal(twice.coordinates[name], values)
    assert mirrored_name("soleus_r") == "soleus_l" and mirrored_name("pelvis_tilt") == "pelvis_tilt"


def test_a_file_comes_back_as_it_was(tmp_path) -> None:
    path = tmp_path / "own.json"
    REFERENCE.save(path)
    again = load_reference(path)
    np.testing.assert_allclose(again.coordinates, REFERENCE.coordinates, atol=1e-7)
    assert again.moment_names == REFERENCE.moment_names


def test_a_stride_frequency_without_terms_is_refused(tmp_path) -> None:
    path = tmp_path / "own.json"
    REFERENCE.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "stride_frequency": []}))
    with pytest.raises(FileFormatError, match="stride_frequency"):
        load_reference(path)


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not a reference"), ('{"format": "x"}', "format"), (None, "no such reference")]
)
def test_bad_files_are_one_clear_line(tmp_path, content, words) -> None:
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FileFormatError, match=words) as caught:
        load_reference(path)
    assert "\n" not in str(caught.value)


def test_speed_outside_the_data_is_refused() -> None:
    with pytest.raises(InputError, match=r"2\.5.*0\.6 to 1\.8"):
        REFERENCE.check_speed(2.5)
    with pytest.raises(InputError):
        REFERENCE.check_speed(float("nan"))
    assert isinstance(REFERENCE, ReferenceMotion)
