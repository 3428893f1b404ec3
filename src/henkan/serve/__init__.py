"""An HTTP server for saved models. FastAPI, uvicorn and prometheus-client are imported only in this package."""

from henkan.serve.settings import Limits, ServeSettings, check_installed, check_limit

__all__ = ["Limits", "ServeSettings", "check_installed", "check_limit"]
