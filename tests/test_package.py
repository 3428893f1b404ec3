import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import henkan

HEAVY = ("numba", "scipy", "matplotlib", "sklearn", "torch", "fastapi", "pydantic", "uvicorn", "prometheus_client")


def loaded_after(code):
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_import_loads_no_optional_dependencies():
    modules = loaded_after("import henkan")
    assert not modules & {*HEAVY, "click", "rich"}


def test_prediction_loads_no_optional_dependencies(folder):
    """It loads no part of henkan that trains, displays or inspects, and nothing that only these need."""
    modules = loaded_after(f"import henkan\nhenkan.load({str(folder)!r}).predict(['a'])")
    assert not modules & {*HEAVY, "click", "rich", "rapidfuzz", "pandas", "IPython", "multiprocessing"}
    assert not modules & {f"henkan.{each}" for each in ("text.audit", "training.trainer", "display", "drawing")}


def test_a_script_without_a_terminal_loads_nothing_to_show_progress():
    modules = loaded_after("from henkan.display.progress import progress_display\nprogress_display(None)")
    assert not modules & {*HEAVY, "click", "rich", "IPython"}


def test_command_line_loads_no_optional_dependencies(folder):
    code = f"""
import sys
sys.argv[1:] = ["predict", {str(folder)!r}, "a"]
from henkan.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
"""
    assert not loaded_after(code) & {*HEAVY, "rich", "multiprocessing", "henkan_experiments"}


def test_help_loads_no_optional_dependencies():
    code = """
import io, sys
from contextlib import redirect_stdout, suppress
from henkan.cli import main
for arguments in (["--help"], ["serve", "--help"]):
    sys.argv[1:] = arguments
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())), suppress(SystemExit):
        main()
"""
    assert not loaded_after(code) & {*HEAVY, "rich", "multiprocessing"}


def test_version_matches_the_package_metadata():
    assert version("henkan") == henkan.__version__


def test_public_names_exist_and_are_documented():
    for name in henkan.__all__:
        assert hasattr(henkan, name)
        if name not in ("__version__", "Event", "Report", "Unknown"):  # a string and type aliases
            assert getattr(henkan, name).__doc__


def test_all_events_are_public_and_trackers_are_found_by_completion():
    assert {each.__name__ for each in get_args(henkan.Event)} <= {*henkan.__all__}
    assert {name for name in dir(henkan) if not name.startswith("__")} == {*henkan.__all__, "trackers"} - {
        "__version__"
    }
    assert "__version__" in dir(henkan)


def test_package_has_a_type_marker():
    assert (Path(henkan.__file__).parent / "py.typed").exists()
