import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import henkan

HEAVY = ("numba", "scipy", "matplotlib", "sklearn", "torch")


def loaded_after(code):
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_henkan_loads_numpy_and_safetensors_alone():
    modules = loaded_after("import henkan")
    assert not modules & {*HEAVY, "click", "rich"}


def test_predicting_loads_nothing_heavy(folder):
    modules = loaded_after(f"import henkan\nhenkan.load({str(folder)!r}).predict(['a'])")
    assert not modules & {*HEAVY, "click", "rich"}


def test_the_command_line_loads_nothing_heavy(folder):
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


def test_versions_agree():
    assert version("henkan") == henkan.__version__


def test_public_names_exist_and_are_documented():
    for name in henkan.__all__:
        assert hasattr(henkan, name)
        if name not in ("__version__", "Event", "Report", "Unknown"):  # a string, and names of types
            assert getattr(henkan, name).__doc__


def test_it_is_typed():
    assert (Path(henkan.__file__).parent / "py.typed").exists()
