"""Execute the example notebook, and keep its outputs.

    python docs/building/notebook.py

The notebook is examples/workbench.ipynb; the model that it saves is left in a temporary folder. Needs nbclient,
ipykernel, pandas, scikit-learn and matplotlib.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "examples" / "workbench.ipynb"


def executed() -> Any:
    """Return the executed notebook.

    Raises:
        CellExecutionError: if a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    import nbformat

    nbformat.write(executed(), NOTEBOOK)
