"""What tests of the command share."""

import pytest
from cli_cases import VOTES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    VOTES.to_csv("votes.csv", index=False)
    return tmp_path
