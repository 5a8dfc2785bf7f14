"""The C3D reader: the c3d package's bits where that reads, sense where it does not, no harm from bad files."""

from __future__ import annotations

import io
import itertools
import struct
import time
import tracemalloc
import warnings
from dataclasses import replace
from pathlib import Path

import c3d
import numpy as np
import pytest

from exogait.analysis.c3d.reader import (
    parse_c3d,
    read_c3d,
)
from exogait.analysis.c3d.sections import decode_float
from exogait.analysis.c3d.writer import write_text
from exogait.analysis.signals.filters import butterworth, fill_gaps
from exogait.analysis.signals.frame import find_lab_frame
from exogait.analysis.signals.measured import (
    process_trial,
    standing_mass,
)
from exogait.analysis.signals.plates import plate_wrench
from exogait.data.errors import ExogaitError, FileFormatError, InputError, UnitsError, UnknownNameError
from exogait.data.trc import marker_array, marker_labels, read_trc


def small_file(
    *, n_frames: int = 8, labels: tuple[str, ...] = ("RHEE", "LHEE"), units: str = "mm", change=None, analog: int = 3
) -> bytes:
    """A valid little file, written by the c3d package; ``change`` may edit the writer before it writes."""
    writer = c3d.Writer(point_rate=100.0, analog_rate=200.0, point_scale=-1.0, point_units=units)
    points = np.zeros((len(labels), 5))
    for i in range(n_frames):
        points = points.copy()
        points[:, 0], points[:, 1], points[:, 2] = 100.0 * i + 1, np.arange(len(labels)) * 10.0 + 1, 900.0
        writer.add_frames([(points, np.full((analog, 2), float(i)))])
    writer.set_point_labels(list(labels))
    writer.set_analog_labels([f"A{i}" for i in range(analog)])
    if change:
        change(writer)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer.write(buffer)
    return buffer.getvalue()


def c3d_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() == ".c3d")


# -- reading --------------------------------------------------------------------------------------------------------


def test_small_file_in_si_units():
    trial = parse_c3d(small_file())
    assert trial.marker_names == ("RHEE", "LHEE")
    assert trial.positions.shape == (8, 2, 3)
    assert trial.positions[3, 1] == pytest.approx([0.301, 0.011, 0.9])
    assert trial.analog.shape == (16, 3)
    assert (trial.point_rate, trial.analog_rate) == (100.0, 200.0)
    assert trial.analog[6:8, 0] == pytest.approx([3.0, 3.0])
    assert trial.time[-1] == pytest.approx(0.07)


def test_same_bits_as_the_c3d_package_on_every_file_that_it_reads(real_data: Path):
    compared = 0
    for path in c3d_files(real_data):
        with warnings.catch_warnings(), open(path, "rb") as handle:
            warnings.simplefilter("ignore")
            try:
                reader = c3d.Reader(handle)
                frames = [(p.copy(), a.copy()) for _, p, a in reader.read_frames(copy=False)]
            except Exception:  # the package gives up: other tests cover these files
                continue
            if not frames or reader.point_used == 0:
                continue
        try:
            trial = read_c3d(path, units="mm")
        except ExogaitError:
            continue
        points = np.stack([p for p, _ in frames]).astype(np.float64)[: trial.n_frames]
        names = [*trial.marker_names, *trial.output_names]
        assert len(names) == points.shape[1], path
        # Markers come before outputs; the sorted values of a frame are the same whatever their order.
        ours = np.concatenate([trial.positions * 1e3, trial.outputs], axis=1)
        valid = (points[..., 3] >= 0) & ~(points[..., :3] == 0).all(axis=2)
        assert np.isfinite(ours).all(axis=2).sum() == valid.sum(), path
        for frame in range(0, len(points), max(len(points) // 7, 1)):
            expected = np.sort(points[frame][valid[frame]][:, :3], axis=0)
            found = np.sort(ours[frame][np.isfinite(ours[frame]).all(axis=1)], axis=0)
            np.testing.assert_allclose(found, expected, rtol=3e-7, atol=1e-4, err_msg=str(path))
        if trial.analog.size and frames[0][1].size:
            analog = np.concatenate([a.T for _, a in frames])[: len(trial.analog)]
            np.testing.assert_allclose(trial.analog, analog, rtol=1e-12, atol=0, err_msg=str(path))
        compared += 1
    assert compared >= 100


def test_six_processor_formats_give_one_trial(real_data: Path):
    folder = real_data / "edge_c3d/btkdata/c3d.org/sample01"
    trials = [read_c3d(path) for path in c3d_files(folder)]
    assert {t.processor for t in trials} == {"Intel", "DEC", "SGI/MIPS"}
    first = trials[0]
    for other in trials[1:]:
        assert other.marker_names == first.marker_names
        # Integer files round to a twelfth of a millimetre.
        np.testing.assert_allclose(other.positions, first.positions, atol=1e-4)
        np.testing.assert_allclose(other.analog, first.analog, atol=0.5)
        assert [(e.label, e.time) for e in other.events] == [(e.label, pytest.approx(e.time)) for e in first.events]
        assert [p.corners.tolist() for p in other.platforms] == [p.corners.tolist() for p in first.platforms]


def test_dec_floats():
    # 1.0 is 0x4080 with the words swapped; -2.5; zero with a dirty fraction.
    words = [0x4080, 0x0000, 0xC120, 0x0000, 0x0001, 0x1234]
    assert decode_float(struct.pack("<6H", *words), "DEC").tolist() == [1.0, -2.5, 0.0]


@pytest.mark.parametrize(
    ("path", "n_frames", "n_markers", "note"),
    [
        ("btkdata_gait/PiG_Calibration-FlatFoot-Full.c3d", 94, 35, "occurs twice"),
        ("edge_c3d/btkdata/c3d.org/sample06/MACsample.c3d", 180, 33, "the header is used"),
        ("edge_c3d/btkdata/c3d.org/sample24/MotionMonitorC3D.c3d", 840, 8, "7 fits the length"),
        ("edge_c3d/kineticstoolkit/sample_static.c3d", 700, 41, ""),
        ("edge_c3d/btkdata/others/mocap36.c3d", 1380, 36, ""),
        ("edge_c3d/ezc3d/Optotrak.c3d", 29, 54, "promises 1149 frames and holds 29"),
    ],
)
def test_files_that_the_package_cannot_read(real_data: Path, path: str, n_frames: int, n_markers: int, note: str):
    trial = read_c3d(real_data / path)
    assert (trial.n_frames, len(trial.marker_names)) == (n_frames, n_markers)
    assert note in " ".join(trial.warnings)
    seen = np.isfinite(trial.positions).all(axis=2)
    assert seen.any()
    assert np.abs(trial.positions[seen]).max() < 20.0, "markers within a building"


def test_every_odd_file_loads_or_gives_one_line(real_data: Path):
    outcomes: dict[str, str] = {}
    for path in c3d_files(real_data / "edge_c3d"):
        start = time.perf_counter()
        try:
            trial = read_c3d(path)
            outcomes[path.name] = "loaded"
            assert trial.n_frames > 0
        except ExogaitError as error:
            assert "\n" not in str(error) and path.name in str(error)
            outcomes[path.name] = type(error).__name__
        assert time.perf_counter() - start < 5.0, path
    for path in sorted((real_data / "edge_trc").glob("*.trc")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcomes[path.name] = f"loaded {len(read_trc(path))}"
            except ExogaitError as error:
                assert "\n" not in str(error)
                outcomes[path.name] = type(error).__name__
    refused = {name for name, outcome in outcomes.items() if not outcome.startswith("loaded")}
    assert refused == {
        "Empty.c3d",  # 0 bytes
        "C3DRotationExample.c3d",  # neither points nor analog
        "phasespace_sample.c3d",  # no unit of length
        "561xxa01_anonym.C3D",  # no unit of length
        "Empty.trc",
        "Truncated.trc",
    }


def test_missing_samples_become_nan(real_data: Path):
    trial = read_c3d(real_data / "opensim_core_c3d/walking2.c3d")
    share = np.isnan(trial.positions).any(axis=2).mean()
    assert 0.3 < share < 0.6
    assert not (trial.positions == 0).all(axis=2).any()


def test_flat_event_times_and_their_clock(real_data: Path):
    trial = read_c3d(real_data / "btkdata_gait/FunctionalWalk.c3d")
    assert trial.first_frame == 480
    steps = [(e.side, e.kind) for e in trial.events]
    assert steps[:4] == [("r", "heel_strike"), ("l", "toe_off"), ("l", "heel_strike"), ("r", "toe_off")]
    assert all(0 <= e.time <= trial.n_frames / trial.point_rate for e in trial.events)
    qualisys = read_c3d(real_data / "edge_c3d/ezc3d/Qualisys.c3d")
    assert [e.side for e in qualisys.events] == ["l", "r", "r", "l", "l", "r", "r"]


def test_labels_prefixes_duplicates_and_continuations():
    trial = parse_c3d(small_file(labels=("Anna:RHEE", "Anna:LHEE")))
    assert trial.marker_names == ("RHEE", "LHEE")
    trial = parse_c3d(small_file(labels=("RKNE", "RKNE")))
    assert trial.marker_names == ("RKNE", "RKNE#2")

    def split(writer):
        group = writer.point_group
        group.remove_param("LABELS")
        write_text(group, "LABELS", ["RHEE"])
        write_text(group, "LABELS2", ["LHEE"])

    assert parse_c3d(small_file(change=split)).marker_names == ("RHEE", "LHEE")


def test_model_outputs_are_kept_apart():
    trial = parse_c3d(small_file(labels=("RHEE", "LKneeAngles")))
    assert trial.marker_names == ("RHEE",)
    assert trial.output_names == ("LKneeAngles",)
    assert trial.outputs[0, 0] == pytest.approx([1.0, 11.0, 900.0]), "not scaled to metres"
    axes = ("Anna:PELO", "Anna:PELA", "Anna:PELL", "Anna:PELP")
    trial = parse_c3d(small_file(labels=("Anna:RHEE", *axes, "Anna:LFEO")))
    assert trial.marker_names == ("RHEE", "LFEO"), "one corner alone may be a marker"
    assert len(trial.output_names) == 4


# -- bad input ------------------------------------------------------------------------------------------------------


def test_truncated_file_keeps_whole_frames_and_says_so():
    data = small_file(n_frames=40)
    start = (struct.unpack_from("<H", data, 16)[0] - 1) * 512
    frame = (2 * 4 + 3 * 2) * 4
    trial = parse_c3d(data[: start + 5 * frame + 7])
    assert trial.n_frames == 5
    assert "promises 40 frames and holds 5" in " ".join(trial.warnings)


@pytest.mark.parametrize("cut", [0, 100, 511, 700])
def test_file_cut_before_its_samples_is_refused(cut: int):
    with pytest.raises(FileFormatError) as caught:
        parse_c3d(small_file()[:cut], "cut.c3d")
    assert str(caught.value).startswith("cut.c3d: ") and "\n" not in str(caught.value)


def test_memory_does_not_follow_the_headers_promise():
    data = bytearray(small_file())
    struct.pack_into("<H", data, 8, 65535)  # last frame
    data = bytes(data)
    # POINT:USED and ANALOG:USED are raised to their largest values, too.
    for name, value in ((b"USED", 65535), (b"FRAMES", 65535)):
        at = 0
        while (at := data.find(name, at + 1)) > 0:
            place = at + len(name) + 2 + 2
            data = data[:place] + struct.pack("<H", value) + data[place + 2 :]
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="cut off"):
        parse_c3d(data, "liar.c3d")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(data) + 200_000


def test_not_a_c3d_file(tmp_path: Path):
    path = tmp_path / "notes.c3d"
    path.write_text("hello\n" * 200)
    with pytest.raises(FileFormatError, match="0x50"):
        read_c3d(path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_c3d(tmp_path / "absent.c3d")


def test_units_are_never_guessed():
    data = small_file(units="xx")
    with pytest.raises(UnitsError, match="units="):
        parse_c3d(data, "walk.c3d")
    assert parse_c3d(data, units="m").positions[0, 0, 2] == 900.0
    with pytest.raises(InputError):
        parse_c3d(data, units="parsec")


def test_wrong_units_are_noticed(real_data: Path):
    path = real_data / "schreiber2019/2014001/2014001_C4_05.c3d"
    with pytest.raises(UnitsError, match="that is no person"):
        find_lab_frame(read_c3d(path, units="m"))


def test_swapped_sides_are_noticed(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    mirrored = replace(trial, positions=trial.positions * [1.0, -1.0, 1.0])
    assert "left-handed" in " ".join(find_lab_frame(mirrored).notes)
    assert not find_lab_frame(trial).notes


# -- laboratory frame -----------------------------------------------------------------------------------------------


def signed_permutations() -> list[np.ndarray]:
    rotations = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                rotations.append(matrix)
    return rotations


def test_all_24_orientations_of_a_laboratory_give_one_trial(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C5_01.c3d")
    expected = process_trial(trial)
    for turn in signed_permutations():
        plates = tuple(replace(p, corners=p.corners @ turn.T) for p in trial.platforms)
        turned = replace(trial, positions=trial.positions @ turn.T, platforms=plates)
        found = process_trial(turned)
        np.testing.assert_allclose(found.positions, expected.positions, atol=1e-12)
        for side in "rl":
            np.testing.assert_allclose(found.loads[side].force, expected.loads[side].force, atol=1e-9)
            np.testing.assert_allclose(found.loads[side].point, expected.loads[side].point, atol=1e-9)
        assert np.linalg.det(found.frame.rotation) == pytest.approx(1.0)


def test_frame_can_be_stated(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    assert find_lab_frame(trial).forward == "-x"
    frame = find_lab_frame(trial, forward="+x", up="+z")
    np.testing.assert_array_equal(frame.rotation, [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert "the user" in frame.describe()
    with pytest.raises(InputError, match="parallel to up"):
        find_lab_frame(trial, forward="+z", up="+z")
    with pytest.raises(InputError):
        find_lab_frame(trial, forward="ahead")


def test_walking_along_both_signs_of_x_and_along_y(real_data: Path):
    expected = {
        "schreiber2019/2014001/2014001_C4_05.c3d": "-x",
        "schreiber2019/2014001/2014001_C5_01.c3d": "+x",
        "biomechzoo_children/HC002D/straight/HC002D06.c3d": "+y",
        "clinical_labs/Sydney/dynamic/S4-AMGait05.c3d": "-x",
        "clinical_labs/QCMAS/dynamic/QCMAS.dynamic.c3d": "+y",
    }
    for path, forward in expected.items():
        frame = find_lab_frame(read_c3d(real_data / path))
        assert (frame.forward, frame.up) == (forward, "+z"), path
        assert frame.heading_error_deg < 5


def test_nothing_tells_the_direction():
    with pytest.raises(FileFormatError, match=r'forward="\+x"'):
        find_lab_frame(parse_c3d(small_file(n_frames=2, labels=("A", "B"))))


@pytest.mark.parametrize(
    ("trial", "reference"),
    [
        ("schreiber2019/2014001/2014001_C4_05.c3d", "schreiber2019/2014001/reference_conversion/2014001_C4_05.trc"),
        ("schreiber2019/2015043/2015043_C5_05.c3d", "schreiber2019/2015043/reference_conversion/2015043_C5_05.trc"),
    ],
)
def test_markers_equal_an_independent_conversion(real_data: Path, trial: str, reference: str):
    ours = read_c3d(real_data / trial)
    theirs = read_trc(real_data / reference)
    positions = find_lab_frame(ours).rotate(ours.positions)
    where = [ours.marker_names.index(label) for label in marker_labels(theirs)]
    np.testing.assert_allclose(positions[:, where], marker_array(theirs), atol=1e-9)


@pytest.mark.parametrize("name", ["walking2", "walking5"])
def test_markers_equal_opensims_expected_conversion(real_data: Path, name: str):
    folder = real_data / "opensim_core_c3d"
    ours = read_c3d(folder / f"{name}.c3d")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = read_trc(folder / f"std_{name}_markers.trc")
    # OpenSim's table keeps the laboratory's axes, every tenth frame and the last one, and tenths of a millimetre.
    where = [ours.marker_names.index(label) for label in marker_labels(theirs)]
    frames = np.minimum(10 * np.arange(len(theirs)), ours.n_frames - 1)
    mine, reference = ours.positions[frames][:, where], marker_array(theirs)
    both = np.isfinite(mine).all(axis=2) & np.isfinite(reference).all(axis=2)
    assert both.mean() > 0.3
    assert np.abs(mine[both] - reference[both]).max() < 0.051e-3
    assert (np.isfinite(mine).all(axis=2) == np.isfinite(reference).all(axis=2)).all()


# -- a whole trial ---------------------------------------------------------------------------------------------------


def test_marker_gap_longer_than_the_limit_is_left_and_reported(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    positions = trial.positions.copy()
    name = "R_FLE"
    i = trial.marker_names.index(name)
    positions[40:45, i] = np.nan
    positions[80:110, i] = np.nan
    with pytest.warns(UserWarning, match="longer than 0.1 s"):
        found = process_trial(replace(trial, positions=positions), marker_cutoff=None)
    actions = [(g.name, round(g.start, 2), g.action) for g in found.gaps]
    assert actions == [(name, 0.4, "filled"), (name, 0.8, "left: longer than the limit")]
    assert "longer than the limit of 0.1 s" in " ".join(found.notes)
    whole = process_trial(trial, marker_cutoff=None)
    assert np.abs(found.positions[40:45, i] - whole.positions[40:45, i]).max() < 0.002
    assert np.isnan(found.positions[80:110, i]).all()


def test_unknown_marker_of_a_role(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    with pytest.raises(UnknownNameError, match="did you mean"):
        process_trial(trial, roles={"heel_r": "R_FCD"})
    with pytest.raises(UnknownNameError, match="marker role"):
        process_trial(trial, roles={"heal_r": "R_FCC"})


def test_no_force_plates(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    found = process_trial(replace(trial, platforms=()))
    assert "no force plates" in " ".join(found.notes)
    assert not found.load_known.any()
    assert found.to_gait_trial().ground_reactions is None
    assert any(e.source == "c3d" for e in found.events.events)


def test_foot_never_on_a_plate(real_data: Path):
    trial = read_c3d(real_data / "clinical_labs/MH/dynamic/MH_Dynamic_BF08.c3d")
    found = process_trial(trial)
    assert "right foot never stands alone and whole" in " ".join(found.notes)
    assert found.loads["l"].loaded.any() and not found.loads["r"].loaded.any()
    # The right leg's stance is unknown, its swing is known.
    stance = next(e.time for e in found.events.events if e.side == "r" and e.kind == "heel_strike")
    assert not found.load_known[int((stance + 0.3) * found.rate), 0]


def test_gait_trial_carries_everything(real_data: Path):
    found = process_trial(read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d"))
    trial = found.to_gait_trial(metadata={"subject_mass": 66.0})
    assert trial.markers is not None and trial.ground_reactions is not None
    assert trial.subject_mass == 66.0
    assert {e.source for e in trial.events} == {"plate", "c3d"}
    force = trial.ground_reactions["ground_force_r_vy"].to_numpy()
    assert force.max() > 500 and force.min() >= 0
    assert np.isfinite(trial.ground_reactions.to_numpy()).all()
    assert trial.masks["valid_kinetics"]["r"].iloc[30]


@pytest.mark.parametrize(("subject", "mass"), [("HC002D", 31.1), ("HC033A", 51.5), ("HC038A", 56.8)])
def test_body_mass_from_a_standing_trial(real_data: Path, subject: str, mass: float):
    path = next((real_data / f"biomechzoo_children/{subject}/static").glob("*.c3d"))
    assert standing_mass(read_c3d(path)) == pytest.approx(mass, abs=0.1)


def test_body_mass_without_plates_is_refused(real_data: Path):
    with pytest.raises(FileFormatError, match="--mass"):
        standing_mass(read_c3d(real_data / "schreiber2019/2014001/2014001_ST.c3d"))


def test_plate_types_2_and_4_of_the_same_recording_agree(real_data: Path):
    folder = real_data / "edge_c3d/btkdata/c3d.org/sample10"
    peaks = []
    for name in ("TYPE-2.C3D", "TYPE-4.C3D", "type-2a.c3d", "type-4a.c3d"):
        trial = read_c3d(folder / name)
        peaks.append(np.abs(plate_wrench(trial, trial.platforms[0])[:, 2]).max())
    # The files' own spreadsheet gives 398 and 390 N, 522 and 521 N, the latter with the plate's offset of 6 N.
    assert peaks[0] == pytest.approx(398, abs=1.5)
    assert peaks[1] == pytest.approx(390, abs=1.5)
    assert peaks[2] == pytest.approx(522, abs=1.5)
    assert peaks[3] == pytest.approx(521, abs=1.5)


# -- filters --------------------------------------------------------------------------------------------------------


def test_butterworth_has_its_stated_cutoff_order_and_no_delay():
    rate = 1000.0
    t = np.arange(8000) / rate
    for order in (2, 4, 8):
        at_cutoff = butterworth(np.sin(2 * np.pi * 10 * t), rate, 10.0, order=order)[2000:6000]
        assert np.ptp(at_cutoff) / 2 == pytest.approx(10 ** (-3.0103 / 20), rel=1e-3)
        # Two passes of order n / 2: 6 n dB an octave far above the cut-off.
        far = [np.ptp(butterworth(np.sin(2 * np.pi * f * t), rate, 10.0, order=order)[2000:6000]) for f in (40, 80)]
        assert 20 * np.log10(far[0] / far[1]) == pytest.approx(6.02 * order, rel=0.08)
    slow = np.sin(2 * np.pi * 2 * t)
    filtered = butterworth(slow, rate, 20.0)
    assert np.argmax(np.correlate(filtered[2000:4000], slow[2000:4000], "full")) == 1999


def test_filter_keeps_gaps_and_refuses_nonsense():
    signal = np.sin(np.arange(400) / 20.0)
    signal[100:150] = np.nan
    filtered = butterworth(signal, 100.0, 6.0)
    assert np.isnan(filtered[100:150]).all() and np.isfinite(np.delete(filtered, np.s_[100:150])).all()
    for kwargs in ({"cutoff": 60.0}, {"cutoff": 0.0}, {"cutoff": 6.0, "order": 3}):
        with pytest.raises(InputError):
            butterworth(signal, 100.0, **kwargs)


def test_gaps_at_the_ends_are_never_extrapolated():
    path = np.tile(np.arange(30.0)[:, None, None], (1, 1, 3))
    path[:2] = path[-3:] = path[10:12] = np.nan
    filled, gaps = fill_gaps(path, 100.0, max_gap=0.5, names=("A",))
    assert [g.action for g in gaps] == [
        "left: at the edge of the recording",
        "filled",
        "left: at the edge of the recording",
    ]
    np.testing.assert_allclose(filled[10:12, 0], path[8:10, 0] + 2.0, atol=1e-9)
    with pytest.raises(InputError):
        fill_gaps(path, 100.0, max_gap=-1.0)
