"""A file of votes, and calls of the command, for its tests."""

import pandas as pd

from arenalake.app import cli

VOTES = pd.DataFrame(
    {
        "left": ["1.0", "b", "c", "b", "1.0", "c"] * 4,
        "right": ["b", "c", "1.0", "1.0", "c", "b"] * 4,
        "winner": ["left", "right", "tie", "left", "left", "right"] * 4,
        "language": ["en", "de", "en"] * 8,
        "text": ["a, b\nc"] * 24,
    }
)


MAPPED = ["--model-a", "left", "--model-b", "right", "--label", "left=model_a", "--label", "right=model_b"]


def status_of(*arguments):
    try:
        cli.main(list(arguments))
    except SystemExit as stopped:
        return stopped.code
    return 0


def mistake(capsys, *arguments):
    """The one line that a mistake in the call is told in."""
    assert status_of(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err
