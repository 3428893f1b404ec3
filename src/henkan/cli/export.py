"""`henkan export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, check_features, layout_options, read_file
from henkan.errors import DataError, SettingsError
from henkan.export.comparison import Comparison, compare
from henkan.storage.files import write_file
from henkan.training.fitted_model import FittedModel, load_model


@click.command(short_help="Export a saved model for other programs.")
@click.argument("model", type=PATH)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["onnx"]),
    required=True,
    help="Format of the file. onnx: for ONNX Runtime. Needs henkan[onnx].",
)
@click.option("--out", type=PATH, required=True, metavar="FILE", help="File to write.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--beam",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="Beam width of the search in the file, which is also the number of predictions per text; 1 is greedy search.",
)
@click.option(
    "--int8",
    is_flag=True,
    help="Store the weights as 8-bit integers, which makes the file about a quarter as large (not for tiny models).",
)
@click.option(
    "--check",
    type=PATH,
    metavar="FILE",
    help="Predict the sources of FILE, a file of pairs, with the exported file, and print its exact match and that of "
    "the model.",
)
@layout_options
def export(
    model: Path, kind: str, out: Path, force: bool, beam: int, int8: bool, check: Path | None, **layout: Any
) -> None:
    """Export a saved MODEL as a file for other programs.

    \b
    henkan export models/names --to onnx --out names.onnx
    henkan export models/names --to onnx --int8 --check test.tsv --out names.onnx
    henkan export models/names --to onnx --beam 5 --out names.onnx

    An ONNX file has the model with its search, and its vocabularies as metadata. It converts the ids of texts to the
    ids of predictions, wherever ONNX Runtime runs: in Python, C++, Java, JavaScript and others. The documentation
    page Deployment has the code that converts strings to ids and back.

    All architectures and ensembles can be exported, except mixed ensembles. Its log-probabilities are those of
    `henkan predict`. Confidences, abstaining, constraints and lexicons are not a part of the file.
    """
    if out.is_dir() or (out.exists() and not force):
        what = "is a folder; choose another --out" if out.is_dir() else "already exists; use --force or another --out"
        raise SettingsError(f"{out}: {what}")
    fitted = load_model(model)
    pairs = None
    if check is not None:
        pairs = read_file(check, **layout).pairs
        check_features(fitted, layout["columns"])
    if fitted.saved.lexicon is not None:
        click.echo("note: the lexicon that is stored in the model is not a part of the file", err=True)
    exporter = EXPORTERS[kind]
    content = exporter(fitted, beam, int8=int8)
    try:
        write_file(out, content)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error}); choose another --out") from None
    size = f"{len(content):,} bytes"
    if int8:
        full = len(exporter(fitted, beam, int8=False))
        size += f"; with float32 weights it would have {full:,}, so this is {len(content) / full:.3f} of it"
    click.echo(f"{out}: {size}")
    if pairs is not None:
        from henkan.export.onnx.runtime import OnnxModel

        click.echo(_text(compare(fitted.converter, OnnxModel(content).predict, pairs, beam=beam), check))


def _onnx(fitted: FittedModel, beam: int, *, int8: bool) -> bytes:
    from henkan.export.onnx import require_packages

    require_packages()
    from henkan.export.onnx.build import build

    return build(fitted.saved, width=beam, int8=int8)


EXPORTERS = {"onnx": _onnx}
"""Format -> function that makes the contents of a file."""


def _text(found: Comparison, path: Path | None) -> str:
    """What the check found."""
    model, exported = (f"{100 * count / found.sources:.2f} %" for count in (found.model, found.exported))
    return (
        f"exact match on {path}, {found.sources:,} sources: {exported} with this file, {model} with the model "
        f"(loss {100 * found.loss:.2f} points); {found.different:,} predictions differ"
    )
