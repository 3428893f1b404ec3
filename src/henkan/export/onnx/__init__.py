"""Export to ONNX. The packages onnx and onnxruntime are imported in these files only, which are loaded on demand."""

from importlib.util import find_spec

from henkan.errors import SettingsError


def require_packages() -> None:
    """Check that the packages are installed.

    Raises:
        SettingsError: if not.
    """
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise SettingsError("export to ONNX requires the packages onnx and onnxruntime; pip install 'henkan[onnx]'")
