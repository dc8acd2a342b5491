"""Compiled loops where nothing can be written."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
import numpy as np
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path.insert(0, sys.argv[1])
from arenalake.ratings.model import elo
assert "library.zip" in elo.__file__, elo.__file__
rules = elo.EloRules()
rounds = elo.elo_rounds(np.array([0]), np.array([1]), np.array([1.0]), 2, 0, range(1), rules)
print(round(rounds[0, 0] - rounds[1, 0], 6))
"""


def test_a_zip_of_the_library_works_for_a_user_without_a_home(tmp_path):
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as library:
        for file in (ROOT / "libs").rglob("*.py"):
            library.write(file, file.relative_to(ROOT / "libs"))
    nowhere = str(tmp_path / "file-in-the-way" / "home")
    (tmp_path / "file-in-the-way").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(archive)],
        env={**kept, "HOME": nowhere, "XDG_CACHE_HOME": nowhere},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "4.0"
