"""The first lines of the README are the command and the API, with what they really print."""

import re
import shlex
from contextlib import redirect_stdout
from doctest import DocTestParser, DocTestRunner
from io import StringIO
from pathlib import Path

import pytest

from arenalake.app.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/command.md"]


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def beside_the_votes(real_data, tmp_path, monkeypatch):
    (tmp_path / "crowd-comparisons.csv").symlink_to(real_data / "llmfao/crowd-comparisons.csv")
    monkeypatch.chdir(tmp_path)


def test_the_readme_starts_with_the_command_and_what_it_prints(beside_the_votes):
    block = blocks("README.md", "console")[0]
    assert (ROOT / "README.md").read_text(encoding="utf-8").index(block) < 700
    command, printed = re.fullmatch(r"\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*)", block, flags=re.DOTALL).groups()
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "arenalake"
    with redirect_stdout(StringIO()) as out:
        main(words[1:])
    assert out.getvalue() == printed


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_of_python_is_what_python_prints(page, beside_the_votes, monkeypatch):
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda figure: None)
    (block,) = blocks(page, "pycon")
    test = DocTestParser().get_doctest(block, {}, page, page, 0)
    with redirect_stdout(StringIO()) as out:
        result = DocTestRunner(verbose=False).run(test, clear_globs=True)
    assert result.failed == 0, out.getvalue()
    assert result.attempted > 2
