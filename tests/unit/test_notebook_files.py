"""The notebooks as files: outputs are there and small, cells only call the library, nothing tells of a machine."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# What a cell may be made of: imports, names for results, calls, and which rows of a table are looked at.
STATEMENTS = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
LOGIC = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)


def code_cells(path):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def test_all_notebooks_are_here():
    names = ["corpus", "judges", "leaderboard", "preferences", "trees", "votes_in_ten_lines"]
    assert [path.stem for path in NOTEBOOKS] == names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_import_the_library_and_hold_no_logic(path):
    for cell in code_cells(path):
        tree = ast.parse(source(cell))
        assert all(isinstance(statement, STATEMENTS) for statement in tree.body), source(cell)
        assert not [node for node in ast.walk(tree) if isinstance(node, LOGIC)], source(cell)
        modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert all(module.startswith("arenalake.") for module in modules)
        packages = [name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names]
        assert set(packages) <= {"arenalake", "polars"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_committed_and_seen_without_scripts(path):
    opening, *shown = code_cells(path)
    assert opening["outputs"] == []
    kinds = [set(output["data"]) for cell in shown for output in cell["outputs"]]
    assert all(cell["outputs"] for cell in shown)
    assert all(kind <= {"text/plain", "text/html", "image/png"} for kind in kinds)
    assert sum("image/png" in kind for kind in kinds) >= (2 if path.stem == "votes_in_ten_lines" else 4)
    assert path.stat().st_size < 800_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_tells_of_the_machine_that_ran_them(path):
    assert not re.findall(
        r"[\"' =:](?:file:)?/(?:home|root|tmp|Users|work|private|opt|usr|mnt)/[^\"<]*", path.read_text()
    )
