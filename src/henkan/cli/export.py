"""`henkan export`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, check_features, layout_options, read_file
from henkan.cli.output_file import check_output, write_output
from henkan.engine.numpy import NumpyEngines
from henkan.errors import SettingsError
from henkan.export.comparison import Comparison, compare
from henkan.export.html import page
from henkan.export.html.model_data import Precision, as_stored
from henkan.inference.conversion import Request
from henkan.training.fitted_model import FittedModel, converter_of, load_model, make_domain


@click.command()
@click.argument("model", type=PATH)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["onnx", "html"]),
    required=True,
    help="Format of the file. onnx: for ONNX Runtime; needs henkan[onnx]. html: a page that converts texts in a "
    "browser, without a network.",
)
@click.option("--out", type=PATH, required=True, metavar="FILE", help="File to write.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--beam",
    type=int,
    metavar="N",
    help="Beam width of the search in an ONNX file, which is also the number of predictions per text; 1 is greedy "
    "search. A page has a field for it.  [default: 1]",
)
@click.option(
    "--int8",
    is_flag=True,
    help="Store the weights as 8-bit integers, in about a quarter of the space of float32, which ONNX files have "
    "otherwise, or half the space of float16, which pages have; tiny models stay as large.",
)
@click.option(
    "--check",
    type=PATH,
    metavar="FILE",
    help="Predict the sources of FILE, a file of pairs, with the weights of the exported file, and print its exact "
    "match and that of the model.",
)
@layout_options
def export(
    model: Path, kind: str, out: Path, force: bool, beam: int | None, int8: bool, check: Path | None, **layout: Any
) -> None:
    """Export a saved MODEL as a file for other programs or for browsers.

    \b
    henkan export models/names --to html --out names.html
    henkan export models/names --to html --int8 --check test.tsv --out names.html
    henkan export models/names --to onnx --out names.onnx
    henkan export models/names --to onnx --beam 5 --out names.onnx

    An HTML file is a page with the model and everything else that it needs. It opens without a server and without a
    network, answers while you type, and has n-best lists, alignments, lists of texts and the facts about the model,
    in English and Japanese. Its predictions are those of `henkan predict --beam 5`. All models can be exported, with
    their lexicon.

    An ONNX file has the model with its search, and its vocabularies as metadata. It converts the ids of texts to the
    ids of predictions, wherever ONNX Runtime runs: in Python, C++, Java, JavaScript and others. The documentation
    page Deployment has the code that converts strings to ids and back.

    All architectures and ensembles can be exported to ONNX, except mixed ensembles. Its log-probabilities are those of
    `henkan predict`. Confidences, abstaining, constraints and lexicons are not a part of an ONNX file.
    """
    check_output(out, force)
    if kind == "html" and beam is not None:
        raise SettingsError("--beam is for --to onnx only; omit it, the page has a field for the beam width")
    fitted = load_model(model)
    pairs = None
    if check is not None:
        pairs = read_file(check, **layout).pairs
        check_features(fitted, layout["columns"])
    if kind == "onnx" and fitted.saved.lexicon is not None:
        click.echo("note: the lexicon that is stored in the model is not a part of the file", err=True)
    exported = FORMATS[kind]
    wanted = _Wanted(fitted, model, exported.beam if beam is None else beam, int8)
    content = exported.content(wanted)
    write_output(out, content)
    size = f"{len(content):,} bytes"
    if int8:
        full = len(exported.content(replace(wanted, int8=False)))
        size += f"; with {exported.weights} weights it would have {full:,}, so this is {len(content) / full:.3f} of it"
    click.echo(f"{out}: {size}")
    if pairs is not None:
        predict = exported.predictor(wanted, content)
        click.echo(_text(compare(fitted.converter, predict, pairs, beam=wanted.beam), check))


@dataclass(frozen=True)
class _Wanted:
    """What to export: a model, its folder, the beam width, and whether to store int8 numbers."""

    fitted: FittedModel
    folder: Path
    beam: int
    int8: bool

    @property
    def precision(self) -> Precision:
        """Type of the weights in a page."""
        return "int8" if self.int8 else "float16"


Predict = Callable[[Sequence[str]], Sequence[str | None]]


@dataclass(frozen=True)
class _Format:
    """A format of files.

    Attributes:
        weights: type of weights that are not int8.
        beam: beam width, if none is given.
        content: returns the contents of a file.
        predictor: returns a function that predicts as a file does.
    """

    weights: Precision
    beam: int
    content: Callable[[_Wanted], bytes]
    predictor: Callable[[_Wanted, bytes], Predict]


def _onnx(wanted: _Wanted) -> bytes:
    from henkan.export.onnx import require_packages

    require_packages()
    from henkan.export.onnx.build import build

    return build(wanted.fitted.saved, width=wanted.beam, int8=wanted.int8)


def _onnx_predictor(_: _Wanted, content: bytes) -> Predict:
    from henkan.export.onnx.runtime import OnnxModel

    return OnnxModel(content).predict


def _html(wanted: _Wanted) -> bytes:
    fitted, name = wanted.fitted, wanted.folder.name or wanted.folder.resolve().name
    return page.build(fitted.saved, fitted.converter, fitted.data, name=name, precision=wanted.precision)


def _html_predictor(wanted: _Wanted, _: bytes) -> Predict:
    """Predicts with the weights of the page, in NumPy: a browser is not needed to measure what the rounding costs."""
    stored = as_stored(wanted.fitted.saved, wanted.precision)
    converter, request = converter_of(stored, NumpyEngines(), make_domain(stored)), Request(beam=wanted.beam)
    return lambda texts: [each.prediction for each in converter.convert(texts, request)]


FORMATS = {
    "onnx": _Format("float32", 1, _onnx, _onnx_predictor),
    "html": _Format("float16", page.BEAM, _html, _html_predictor),
}


def _text(found: Comparison, path: Path | None) -> str:
    """What the check found."""
    model, exported = (f"{100 * count / found.sources:.2f} %" for count in (found.model, found.exported))
    return (
        f"exact match on {path}, {found.sources:,} sources: {exported} with this file, {model} with the model "
        f"(loss {100 * found.loss:.2f} points); {found.different:,} predictions differ"
    )
