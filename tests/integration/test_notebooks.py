"""The notebooks run: their cells in this session, and as a whole in kernels of their own."""

import shutil
import sys

import IPython.display
import pytest
from machines import ROOT, environment

NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))


def beside(lake, folder):
    """A folder to run in, from which the lake is where the notebooks look for it."""
    (folder / "lake").symlink_to(lake)
    (folder / "notebooks").mkdir()
    return folder / "notebooks"


@pytest.mark.parametrize("name", ["corpus", "leaderboard"])
def test_the_cells_show_the_tables_of_a_lake(spark, local_votes_lake, tmp_path, monkeypatch, name):
    from execute import nbformat

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *parts: shown.extend(parts))
    monkeypatch.chdir(beside(local_votes_lake, tmp_path))
    namespace = {}
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, namespace)
    words = " ".join(part.data for part in shown if isinstance(part, IPython.display.HTML))
    images = [part for part in shown if isinstance(part, IPython.display.Image)]
    if name == "corpus":
        assert "<h3>Message lengths</h3><p>The tables of this lake hold nothing for this page.</p>" in words
        assert "Records by source" in words
    else:
        assert "Leaderboard of votes" in words
        assert "votes: bradley_terry, rounds that draw battles" in words
        assert len(images) == 7  # ratings, calibration, two squares of predictions, rounds, and two squares of pairs


def test_on_databricks_the_widgets_name_the_tables(spark):
    from arenalake.notebook import open_lake
    from arenalake.ratings.tables import RATINGS

    class Widgets:
        values = {"schema": "mine"}  # noqa: RUF012

        def text(self, name, default):
            self.values.setdefault(name, default)

        def get(self, name):
            return self.values[name]

    class Databricks:
        widgets = Widgets()

    lake = open_lake(root="unused", catalog="main", schema="arenalake", dbutils=Databricks())
    assert lake.name_of(RATINGS) == "`main`.`mine`.`ratings`"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["corpus", "leaderboard"])
def test_a_kernel_executes_the_whole_notebook(spark, local_corpora_lake, tmp_path, monkeypatch, name):
    from execute import execute

    for variable, value in environment(PYTHONPATH=str(ROOT / "libs")).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("SPARK_HOME")
    notebook = tmp_path / f"{name}.ipynb"
    shutil.copy(NOTEBOOKS / notebook.name, notebook)
    executed = execute(notebook, beside(local_corpora_lake, tmp_path))
    _, *shown = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in shown)
    kinds = [output.output_type for cell in shown for output in cell.outputs]
    assert set(kinds) == {"display_data"}
