"""Write ``dataset_files.csv``: address and SHA-256 of every file that equals one of a public repository.

``python -m exogait.data.scripts.hash_datasets CLONES`` walks the data sets under EXOGAIT_DATA and looks each file
up, by its git blob hash, in clones of the repositories that lie in ``CLONES/<owner>+<name>``. A file that is not
byte for byte in a repository (a conversion of ours, a blanked subject code) gets no row, because its download could
not be verified.
"""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

from ..errors import InputError
from ..registry import DATASET_FILES, data_folder, dataset

REPOSITORIES = {
    "btkdata_gait": "Biomechanical-ToolKit/BTKData",
    "clinical_labs": "tsalemink/C3D-parser",
    "gait2392": "opensim-org/opensim-models",
    "opensim_core_c3d": "opensim-org/opensim-core",
    "opensim_walking_adult": "opensim-org/opensim-core",
    "schreiber2019": "aaronsfox/zmp-opensim",
}
ENDINGS = (".c3d", ".trc", ".mot", ".sto", ".xml", ".osim")


def blobs(clone: Path) -> tuple[str, dict[str, list[str]]]:
    """Commit of a clone and its files by blob hash."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(clone), *arguments], check=True, capture_output=True).stdout.decode()

    found: dict[str, list[str]] = {}
    for line in git("ls-tree", "-r", "-z", "HEAD").split("\0"):
        if line:
            head, path = line.split("\t", 1)
            found.setdefault(head.split()[2], []).append(path)
    return git("rev-parse", "HEAD").strip(), found


def main(clones: Path) -> None:
    """Write the table."""
    root = data_folder()
    if root is None:
        raise InputError("EXOGAIT_DATA", None, "the folder that holds the data sets")
    rows = []
    for name, repository in REPOSITORIES.items():
        commit, known = blobs(clones / repository.replace("/", "+"))
        folder = root / dataset(name).folder
        for path in sorted(folder.rglob("*")):
            if not path.name.lower().endswith(ENDINGS):
                continue
            content = path.read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            if blob in known:
                same_name = sorted(known[blob], key=lambda p: (Path(p).name != path.name, len(p)))[0]
                digest = hashlib.sha256(content).hexdigest()
                rows.append((name, str(path.relative_to(folder)), repository, commit, same_name, digest, len(content)))
    with DATASET_FILES.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["dataset", "file", "repository", "commit", "path", "sha256", "bytes"])
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
