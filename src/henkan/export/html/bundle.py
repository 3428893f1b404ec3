"""Joins ES modules into one script, for a page in one file.

Each module becomes a function that returns its exports, and is called after the modules that it imports:

    const m1 = (() => { const twice = (x) => 2 * x; return { twice }; })();
    const m2 = (() => { const { twice } = m1; ... })();

So the modules must follow some rules. Imports are `import { a, b as c } from "./file.js";`, exports `export const`,
`export function` or `export class` with one name, both at the beginning of a line that is in no block, and modules do
not import each other in a circle.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from henkan.errors import DataError
from henkan.export.html.javascript import Token, tokenize

DECLARATIONS = {"const", "function", "class"}
IMPORT = re.compile(r"""import\s+(?:\{(?P<names>[\w$\s,]*)\}\s+from\s+)?["'](?P<path>\.\.?/[^"']+)["']\s*""")
END_OF_SCRIPT = re.compile(r"<(?=/script|script|!--)", re.I)
ESCAPABLE = re.compile(r"(?<!\\)((?:\\\\)*)\\?" + END_OF_SCRIPT.pattern, re.I)


@dataclass(frozen=True)
class _Module:
    """A module, read.

    Attributes:
        imports: path of each imported module, and the imported names: exported name -> name in this module.
        exports: the exported names.
        code: the rest.
    """

    imports: list[tuple[str, dict[str, str]]]
    exports: list[str]
    code: str


def bundle(entry: str, files: Mapping[str, str]) -> str:
    """Join a module and all that it imports into one script, which can stand in a `<script>` element.

    Comments and indentation are left out.

    Args:
        entry: path of the module to start.
        files: path -> contents of all modules. Paths are separated by slashes.

    Returns:
        the script, for an ordinary `<script>` or worker.

    Raises:
        DataError: if a module does not follow the rules.
    """
    order = _Order(files)
    order.visit(entry, ())
    parts = [_function(number, module, order) for number, module in enumerate(order.modules.values(), 1)]
    script = '(() => {\n"use strict";\n' + "".join(parts) + "})();\n"
    if END_OF_SCRIPT.search(script):
        raise DataError(f"{entry}: a module compares with `<` in a way that would end a <script>; put a space after it")
    return script


def read_modules(folder: Traversable, prefix: str = "") -> dict[str, str]:
    """Read all modules of a folder and its subfolders: path -> contents."""
    modules: dict[str, str] = {}
    for each in folder.iterdir():
        if each.is_dir():
            modules |= read_modules(each, f"{prefix}{each.name}/")
        elif each.name.endswith(".js"):
            modules[prefix + each.name] = each.read_text("utf-8")
    return modules


class _Order:
    """Reads modules, each after those that it imports."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.modules: dict[str, _Module] = {}

    def visit(self, path: str, importers: tuple[str, ...]) -> None:
        """Add a module, and before it those that it imports."""
        if path in importers:
            circle = " -> ".join([*importers[importers.index(path) :], path])
            raise DataError(f"these modules import each other in a circle: {circle}")
        if path in self.modules:
            return
        if path not in self.files:
            raise DataError(f"{importers[-1] + ': ' if importers else ''}there is no module {path}")
        module = _Reader(path, self.files[path]).read()
        for imported, names in module.imports:
            self.visit(imported, (*importers, path))
            missing = [name for name in names if name not in self.modules[imported].exports]
            if missing:
                raise DataError(f"{path}: {imported} does not export {missing[0]}")
        self.modules[path] = module

    def number(self, path: str) -> int:
        """The number of a module, from 1 on."""
        return 1 + list(self.modules).index(path)


def _function(number: int, module: _Module, order: _Order) -> str:
    """The call of a module's function."""
    lines = [
        f"const {_names(names)} = m{order.number(path)};\n" for path, names in module.imports if names
    ]  # a module without names is only run
    result = f"return {_names({name: name for name in module.exports})};\n" if module.exports else ""
    return f"const m{number} = (() => {{\n{''.join(lines)}{module.code}{result}}})();\n"


def _names(names: Mapping[str, str]) -> str:
    return "{ " + ", ".join(a if a == b else f"{a}: {b}" for a, b in names.items()) + " }"


class _Reader:
    """Reads one module."""

    def __init__(self, path: str, code: str) -> None:
        self.path = path
        self.tokens = _tidy(tokenize(code, path))
        self.at = 0
        self.module = _Module([], [], "")

    def read(self) -> _Module:
        """Read the module."""
        code: list[str] = []
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            depth += _depth(token)
            if token.kind == "name" and not self._is_property():
                if token.text == "import":
                    self._import(depth)
                    continue
                if token.text == "export":
                    self._export(depth)
                    continue
                if token.text == "await" and depth == 0:
                    self._refuse(token, "`await` outside of functions", "put it into a function")
            code.append(_safe(token))
            self.at += 1
        return _Module(self.module.imports, self.module.exports, "".join(code).strip("\n") + "\n")

    def _is_property(self) -> bool:
        """Whether the current name is that of a property, as in `x.import` or `{ import: 1 }`."""
        return self._text(self.at - 1) in (".", "?.") or self._next(self.at + 1)[0] == ":"

    def _import(self, depth: int) -> None:
        start = self.tokens[self.at]
        at = self.at
        while self._text(at) not in ("", ";"):
            at += 1
        found = IMPORT.fullmatch("".join(token.text for token in self.tokens[self.at : at]))
        if depth != 0 or not found:
            self._refuse(start, "this import", 'write `import { name } from "./file.js";`')
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), found["path"]))
        names = [re.split(r"\s+as\s+", part.strip()) for part in (found["names"] or "").split(",") if part.strip()]
        self.module.imports.append((path, {each[0]: each[-1] for each in names}))
        self.at = at + 1

    def _export(self, depth: int) -> None:
        start = self.tokens[self.at]
        words: list[str] = []
        at = self.at + 1
        while len(words) < 4:
            text, at = self._next(at)
            words.append(text)
        if words[0] == "async":
            words = words[1:]
        name = words[2] if words[:2] == ["function", "*"] else words[1]
        if depth != 0 or words[0] not in DECLARATIONS or not re.fullmatch(r"[A-Za-z_$][\w$]*", name):
            self._refuse(start, "this export", "write `export const`, `export function` or `export class` with a name")
        if words[0] == "const" and self._has_comma():
            self._refuse(start, "this export", "export each constant with an `export const` of its own")
        self.module.exports.append(name)
        self.at += 2  # without `export` and the space after it

    def _has_comma(self) -> bool:
        """Whether a comma separates parts of the current statement."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += _depth(token)
            if depth == 0 and token.text in (",", ";"):
                return token.text == ","
        return False

    def _next(self, at: int) -> tuple[str, int]:
        """The text of the next token from a position on that is no space ("" at the end), and the position after it."""
        while self._text(at).isspace():
            at += 1
        return self._text(at), at + 1

    def _text(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def _refuse(self, token: Token, what: str, remedy: str) -> None:
        raise DataError(f"{self.path}, line {token.line}: {what} cannot be bundled; {remedy}")


def _depth(token: Token) -> int:
    """By how much a token changes the number of open brackets."""
    if token.kind == "template":
        return token.text.endswith("${") - token.text.startswith("}")
    if token.kind != "sign":
        return 0
    return (token.text in "([{") - (token.text in ")]}")


def _tidy(tokens: Iterable[Token]) -> list[Token]:
    """Leave out comments and indentation; a line break remains one, for it may end a statement."""
    tidy: list[Token] = []
    for token in tokens:
        if token.kind in ("space", "comment"):
            spaces = token.text + (tidy.pop().text if tidy and tidy[-1].kind == "space" else "")
            token = Token("space", "\n" if "\n" in spaces else " ", token.line)
        tidy.append(token)
    return tidy


def _safe(token: Token) -> str:
    """The text of a token that cannot end a `<script>`: in strings and regular expressions, `<` can be escaped."""
    if token.kind in ("string", "template", "regex"):
        return ESCAPABLE.sub(r"\1\\x3c", token.text)
    return token.text
