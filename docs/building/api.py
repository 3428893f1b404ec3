"""Sphinx extension for the API reference: docstring entries for several names, and links to re-exported classes.

A class is documented under the name that callers import (`henkan.Epoch`), but Python and type annotations name the
module that defines it (`henkan.training.Epoch`). References are therefore resolved to the documented name of the same
object.
"""

from __future__ import annotations

import contextlib
import inspect
import pydoc
import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.util.inspect import stringify_signature

ENTRY = re.compile(r"^(\s+)(\w+(?:, \w+)*): (.*)$")


def split_entries(_app: Sphinx, _what: str, _name: str, shown: object, _options: object, lines: list[str]) -> None:
    """Split entries that describe several names, written as `a, b: text` or `a: text. b: text.`, into one per name."""
    names, section, indent = _names(shown), "", ""
    split: list[str] = []
    returns: int | None = None
    entry: list[str] = []  # lines of the current entry
    for line in [*map(_plain, lines), ""]:
        found = ENTRY.match(line) if section else None
        starts = found is not None and found[1] == (indent or found[1])
        if entry and (starts or not line.startswith(indent + " ")):
            split += _entries(indent, entry, names)
            entry = []
        if line.strip() and not line.startswith(" "):
            section, indent = (line if line in ("Args:", "Attributes:") else ""), ""
        if starts and found is not None:
            indent = found[1]
            entry = [line]
        elif entry:
            entry.append(line)
        else:
            split.append(line)
        if line == "Returns:":
            returns = len(split)
    if returns is not None and ":" in split[returns]:  # napoleon would read the text before a colon as a type
        split[returns] = re.sub(r"^ +", r"\g<0>: ", split[returns])
    lines[:] = split


def _entries(indent: str, entry: list[str], names: set[str]) -> list[str]:
    """Return the lines of one entry rewritten as one entry per name."""
    text = " ".join(line.strip() for line in entry)
    parts: list[str] = []
    for part in re.split(r"(?<=\.) (?=\w+(?:, \w+)*: )", text):
        if not parts or {*part.partition(": ")[0].split(", ")} <= names:
            parts.append(part)
        else:
            parts[-1] += f" {part}"
    found = [part.partition(": ") for part in parts]
    return [f"{indent}{name}: {text}" for several, _, text in found for name in several.split(", ")]


def _plain(line: str) -> str:
    """Escape bars and trailing underscores outside code, which reStructuredText would read as markup."""
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(part if part.startswith("`") else re.sub(r"(\||(?<=\w)_\b(?!\w))", r"\\\1", part) for part in parts)


def _names(shown: object) -> set[str]:
    """Return the names that a section of an object's docstring may describe."""
    with contextlib.suppress(TypeError, ValueError):
        return {*inspect.signature(shown).parameters, *getattr(shown, "__annotations__", ())}  # type: ignore[arg-type]
    return set()


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    """Link a name to the documented object with that name; leave undocumented types as plain text."""
    if node.get("refdomain") != "py":
        return None
    domain: Any = env.domains["py"]
    target, role = node["reftarget"], node["reftype"]
    last, located = target.rpartition(".")[2], pydoc.locate(target)
    for name in (f"henkan.{last}", f"henkan.nn.{last}", f"henkan.config.{last}"):
        same = located is pydoc.locate(name) if "." in target else role != "obj"
        if name in domain.objects and same:
            entry = domain.objects[name]
            link = nodes.reference("", "", content, internal=True, reftitle=name)
            link["refuri"] = app.builder.get_relative_uri(node["refdoc"], entry.docname) + f"#{entry.node_id}"
            return link
    annotation = not isinstance(content, nodes.Element) or "xref" not in content.get("classes", [])
    return content if annotation or role == "obj" or located is not None else None


def keep_annotations(
    _app: Sphinx, what: str, _name: str, shown: Any, _options: object, signature: str, _returns: str
) -> tuple[str, str] | None:
    """Show annotations as written in the source: `Array`, not the expansion of NumPy's alias."""
    if what not in ("class", "function", "method") or not signature:
        return None
    try:
        found = inspect.signature(shown)
    except (TypeError, ValueError):
        return None
    found = found.replace(parameters=[each for each in found.parameters.values() if each.name != "self"])
    returns = "" if found.return_annotation in (inspect.Signature.empty, None, "None") else found.return_annotation
    return stringify_signature(found, show_return_annotation=False), str(returns)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hooks with Sphinx."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-process-docstring", split_entries, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", keep_annotations)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
