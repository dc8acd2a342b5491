"""The notebooks run: their cells in this session, and as a whole in kernels of their own."""

import ast
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


def cells_shown(name, lake, folder, monkeypatch):
    """What the cells of a notebook show, executed here: HTML of tables, and images."""
    from execute import nbformat

    monkeypatch.chdir(beside(lake, folder))
    shown, namespace = [], {}
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            *statements, last = ast.parse(cell.source).body
            exec(ast.unparse(ast.Module(statements, [])), namespace)
            if isinstance(last, ast.Expr):
                shown.append(eval(ast.unparse(last), namespace))
            else:
                exec(ast.unparse(last), namespace)
    tables = [part.data for part in shown if isinstance(part, IPython.display.HTML)]
    return tables, [part for part in shown if isinstance(part, IPython.display.Image)]


def test_the_leaderboard_works_with_the_ratings_of_a_lake(spark, local_votes_lake, tmp_path, monkeypatch):
    (board, ranks, style, pair, fits), images = cells_shown("leaderboard", local_votes_lake, tmp_path, monkeypatch)
    assert len(images) == 5  # ratings, ranks by slice, one model by slice, with style control, and rounds of two models
    for table in (board, ranks):
        assert table.count("<tr>") == 1 + 4
        assert all(f"model-{number}</td>" in table for number in range(4))
    assert style.count("<tr>") == 1
    assert pair.count("<tr>") == fits.count("<tr>") == 1 + 1
    assert "bradley_terry</td>" in pair


def test_the_corpus_of_a_lake_without_conversations_is_told(spark, local_votes_lake, tmp_path, monkeypatch):
    tables, images = cells_shown("corpus", local_votes_lake, tmp_path, monkeypatch)
    assert images == []
    assert sum("No rows to draw" in table for table in tables) == 8
    assert all(table.count("<tr>") <= 1 for table in tables)


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
    assert set(kinds) == {"execute_result"}
    assert "No rows to draw" not in str(executed)
