"""ES modules joined into one script: what it computes in Node, and messages about what cannot be joined."""

import shutil
import subprocess
from importlib.resources import files

import pytest

from henkan.errors import DataError
from henkan.export.html.bundle import bundle, read_modules
from henkan.export.html.javascript import tokenize

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
IMPORT = 'import { name } from "./file.js";'


def run(entry, modules):
    """What the bundle prints."""
    done = subprocess.run(["node", "-"], input=bundle(entry, modules), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@needs_node
def test_modules_run_once_each_after_their_imports():
    modules = {
        "main.js": 'import { twice } from "./a/twice.js";\nimport { two as deux, Box } from "./a/two.js";\n'
        "console.log(twice(deux), new Box(3).value);\n",
        "a/twice.js": 'import { two } from "./two.js";\nimport "../told.js";\n'
        "export function twice(x) {\n  return two * x;\n}\n",
        "a/two.js": 'console.log("two");\nexport const two = 2;\nconst hidden = 5;\n'
        "export class Box {\n  constructor(value) {\n    this.value = value + hidden;\n  }\n}\n",
        "told.js": 'const hidden = "told";\nconsole.log(hidden);\n',
        "unused.js": "this is not read",
    }
    assert run("main.js", modules) == ["two", "told", "4 8"]


TRICKY = r"""
/** @import { Type } from "./nowhere.js" */
// import { a } from "./nowhere.js";
export const text = "import { a } from './b.js'; // no comment";
export const pattern = /[/"'`]\/(?:\/\*)/u;
export const nested = `a ${[1, 2].map((x) => `<${x}> } ${{ y: x }.y}`).join("}")} /* kept */
  indented`;
export async function* numbers() {
  yield /1/.test("1") ? 4 / 2 / 1 : 0; /* a
  comment */
}
const words = { import: 1, export: 2, await: 3 };
let i = 4;
const quarter = i++ / 4 /* a division */ / 1
console.log(text, pattern.test(`"//*`), JSON.stringify(nested), words.import + words.export, quarter, 1e-3 / 2)
;(async () => {
  for await (const number of numbers()) console.log(number);
})();
"""


@needs_node
def test_strings_templates_and_regular_expressions_are_left_as_they_are():
    assert run("main.js", {"main.js": TRICKY}) == [
        """import { a } from './b.js'; // no comment true "a <1> } 1}<2> } 2 /* kept */\\n  indented" 3 1 0.0005""",
        "2",
    ]
    assert "a division" not in bundle("main.js", {"main.js": TRICKY})


def test_tokens_together_are_the_code():
    assert "".join(token.text for token in tokenize(TRICKY, "main.js")) == TRICKY
    lines = {token.text: token.line for token in tokenize(TRICKY, "main.js")}
    assert lines["numbers"] == TRICKY[: TRICKY.rindex("numbers()")].count("\n") + 1


CLOSING = r"""
const found = "</script><!-- \</SCRIPT \\</script" + `<script ${1}</script>` + /<\/script><!--/.source;
console.log(found, found.includes("</scr" + "ipt>"), /<!--/.test(found), 1 < 2);
"""


@needs_node
def test_a_script_element_is_not_closed_by_strings():
    script = bundle("main.js", {"main.js": CLOSING})
    assert "</script" not in script.lower()
    assert "<script" not in script
    assert "<!--" not in script
    assert run("main.js", {"main.js": CLOSING}) == [
        r"</script><!-- </SCRIPT \</script<script 1</script><\/script>\x3c!-- true true true"
    ]


IMPORT_RULE = "this import cannot be bundled; write `import { name } from"
EXPORT_RULE = "this export cannot be bundled; write `export const`, `export function` or `export class` with a name"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('import all from "./b.js";', f"a.js, line 1: {IMPORT_RULE}"),
        ('\nimport * as all from "./b.js";', f"a.js, line 2: {IMPORT_RULE}"),
        ('import { b } from "b";', f"a.js, line 1: {IMPORT_RULE}"),
        ('import { b } from "https://example.org/b.js";', f"a.js, line 1: {IMPORT_RULE}"),
        ('import { b } from "./b.js" with { type: "json" };', f"a.js, line 1: {IMPORT_RULE}"),
        ('const b = () => import("./b.js");', f"a.js, line 1: {IMPORT_RULE}"),
        ("const url = import.meta.url;", f"a.js, line 1: {IMPORT_RULE}"),
        ("export default 1;", f"a.js, line 1: {EXPORT_RULE}"),
        ("const a = 1;\nexport { a };", f"a.js, line 2: {EXPORT_RULE}"),
        ('export * from "./b.js";', f"a.js, line 1: {EXPORT_RULE}"),
        ("export let a = 1;", f"a.js, line 1: {EXPORT_RULE}"),
        ("export const { a } = b;", f"a.js, line 1: {EXPORT_RULE}"),
        ("export const a = f(1, 2), b = 2;", "a.js, line 1: this export cannot be bundled; export each constant"),
        ("await f();", "a.js, line 1: `await` outside of functions cannot be bundled; put it into a function"),
        ('import { a } from "./a.js";', "these modules import each other in a circle: a.js -> a.js"),
        ('import { a } from "./c.js";', "these modules import each other in a circle: a.js -> c.js -> a.js"),
        ('import { b } from "./none.js";', "a.js: there is no module none.js"),
        ('import { c } from "./b.js";', "a.js: b.js does not export c"),
        ("const a = 'x;\n", 'a.js, line 1: this JavaScript cannot be bundled: "\'x;\\n"'),
        ("if (a </script/.y) b();", "a.js: a module compares with `<` in a way that would end a <script>"),
    ],
)
def test_other_modules_are_refused(code, message):
    with pytest.raises(DataError) as error:
        bundle("a.js", {"a.js": code, "b.js": "export const b = 1;\n", "c.js": 'import { a } from "./a.js";\n'})
    assert str(error.value).startswith(message)


@needs_node
@pytest.mark.parametrize("entry", ["server.js"])
def test_the_page_is_bundled(entry, tmp_path):
    modules = read_modules(files("henkan") / "web")
    script = bundle(entry, modules)
    (tmp_path / "page.js").write_text(script, "utf-8")
    subprocess.run(["node", "--check", tmp_path / "page.js"], check=True)
    assert "@param" not in script
