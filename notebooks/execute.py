"""Execute the notebooks in place (`make notebooks`): their outputs are part of the project."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent


def execute(file: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run that started in `folder`."""
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(notebook, timeout=None, record_timing=False, resources={"metadata": {"path": str(folder)}})
    client.execute()
    for cell in notebook.cells:
        # What Java says while it starts is no result.
        outputs = cell.get("outputs", [])
        outputs[:] = [output for output in outputs if output.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(file.name for file in FOLDER.glob("*.ipynb")):
        nbformat.write(execute(FOLDER / name, FOLDER), FOLDER / name)
        print(f"notebooks/{name}")
