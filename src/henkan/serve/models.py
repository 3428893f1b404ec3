"""The models that are served, and their replacement while the server runs."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from henkan.engine.choice import choose_engines
from henkan.engine.workers import use_one_blas_thread
from henkan.errors import HenkanError
from henkan.inference.converter import Converter
from henkan.inference.lexicon import Lexicon
from henkan.serve.settings import ServeSettings, name_of
from henkan.storage.model_folder import stamp
from henkan.text.layout import Layout
from henkan.text.reading import read_pair_file
from henkan.training.fitted_model import FittedModel, load_model

RELOAD_SECONDS = 1.0
"""How often the folders are looked at."""

logger = logging.getLogger("henkan.serve")


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that is served.

    Attributes:
        name: its name in requests.
        folder: its folder.
        stamp: see `henkan.storage.model_folder.stamp`.
        fitted: the model.
        lexicon: where texts are looked up first, or None.
    """

    name: str
    folder: Path
    stamp: object
    fitted: FittedModel
    lexicon: Lexicon | None

    @property
    def converter(self) -> Converter:
        """What converts texts."""
        return self.fitted.converter


def load(settings: ServeSettings, folder: Path) -> ServedModel:
    """Load a model and its compiled kernels.

    Raises:
        HenkanError: if the model or the lexicon cannot be read, or the engine cannot be used.
    """
    found = stamp(folder)  # before the files are read, so that a later change is noticed
    fitted = load_model(folder, choose_engines(settings.engine))
    fitted.converter.warm_up()
    use_one_blas_thread()  # now all libraries are loaded
    return ServedModel(name_of(folder), folder, found, fitted, _lexicon(settings, fitted))


def _lexicon(settings: ServeSettings, fitted: FittedModel) -> Lexicon | None:
    """The lexicon in a file, which comes first, and that of the model."""
    if settings.lexicon is None:
        return fitted.lexicon
    pairs = read_pair_file(settings.lexicon, Layout()).pairs
    return Lexicon(zip(pairs.sources, pairs.targets, strict=True), fitted.normalize, fitted.lexicon)


def freeze() -> None:
    """Collect garbage now, and exempt what is left from later collections: all modules would take 60 ms each time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


Report = Callable[[str, str], None]


def _report_nothing(name: str, result: str) -> None:
    pass


class Models:
    """The models by their names; the first is the default.

    Args:
        settings: which models.

    Raises:
        HenkanError: if one cannot be loaded.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self.by_name = {model.name: model for model in (load(settings, folder) for folder in settings.models)}
        self._report: Report = _report_nothing
        self._failed: dict[str, object] = {}  # name -> stamp of a model that could not be loaded
        self._stopped = Event()

    def start(self, report: Report) -> None:
        """Begin to look for changed models, if the settings say so.

        Args:
            report: called with the name of a model and "ok" or "failed" for each that was loaded, or could not be.
        """
        self._report = report
        for name in self.by_name:
            report(name, "ok")
        if self._settings.reload:
            Thread(target=self._watch, name="henkan-reload", daemon=True).start()

    @property
    def default(self) -> ServedModel:
        """The model of requests that name none."""
        return next(iter(self.by_name.values()))

    def stop(self) -> None:
        """End the thread that looks for changes."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(RELOAD_SECONDS):
            for name in self.by_name:
                self.reload_if_changed(name)

    def reload_if_changed(self, name: str) -> None:
        """Load a model again if its folder has changed. If that fails, the model that is served remains."""
        old = self.by_name[name]
        found = stamp(old.folder)
        if found in (old.stamp, self._failed.get(name)):
            return
        try:
            self.by_name[name] = load(self._settings, old.folder)
            freeze()
        except Exception as error:
            self._failed[name] = found
            self._report(name, "failed")
            reason = str(error) if isinstance(error, HenkanError) else repr(error)
            logger.error("the changed model %s was not loaded, the old one remains: %s", name, reason)
        else:
            self._failed.pop(name, None)
            self._report(name, "ok")
            logger.info("loaded the changed model %s", name)
