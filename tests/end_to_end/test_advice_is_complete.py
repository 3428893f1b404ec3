"""Every message that names an option or a command is among those that the tests of advice provoke and follow."""

import ast
import re
import string
from pathlib import Path

import pytest

import henkan
import henkan_experiments
from advice import parameters
from advice_cases import CASES
from henkan.cli.remedies import OPTIONS, RESUMED, WITHOUT_OPTION

HERE = Path(__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
ADVICE = re.compile(r"(?<![\w-])--[a-z][a-z-]*|`henkan [a-z]|pip install")
TESTS = "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_advice_of_*.py")))

EXCEPTIONS = {
    "exact_precision": "needs a GPU without bf16",
    "fewer_processes": "needs more processes than GPUs",
    "not_deterministic": "needs a GPU, and an algorithm that it lacks",
    "resume_with_torchrun": "needs several processes; see test_torch.py",
    "register_architecture": "the advice is for a program that defines an architecture",
    "training_targets": "the advice is to type another text",
    "run_again": "only of `henkan reproduce`, which takes minutes; see test_reproduce.py",
    "other_version": "without an option: only of `henkan reproduce`",
    "restart": "without an option: only of `henkan reproduce`",
    "run the same command again to resume, with fewer --jobs if this happens again": "see test_reproduce.py",
}
"""Key or text of advice that is not followed here -> why."""


NO_MESSAGES = {"errors.py", "remedies.py", "recipes.py", "description.py", "page.py"}
"""Files with the remedies, which have their own tests, help texts, and the report of `henkan reproduce`."""


def literal_parts(template):
    """The texts between the placeholders of a format string."""
    return [text for text, *_ in string.Formatter().parse(template) if text.strip(" '")]


def is_covered(parts):
    """Whether a case says all of these texts in this order, or another test quotes the longest of them."""
    pattern = re.compile(".*".join(map(re.escape, parts)))
    longest = max(parts, key=len).strip(" ,;")
    return any(pattern.search(case.says) for case in CASES) or longest in TESTS


@pytest.mark.parametrize("key", OPTIONS)
def test_every_remedy_is_followed(key):
    assert is_covered(literal_parts(OPTIONS[key])) or key in EXCEPTIONS


@pytest.mark.parametrize(
    ("key", "text"), [*RESUMED.items(), *WITHOUT_OPTION.items()], ids=lambda value: value if "_" in value else ""
)
def test_every_other_wording_is_followed(key, text):
    assert is_covered([text]) or key in EXCEPTIONS


def messages():
    """Yield file, line and text of each string that advises an option, without help texts and names of options."""
    for package in (henkan, henkan_experiments):
        for path in sorted(Path(package.__file__).parent.rglob("*.py")):
            if path.name not in NO_MESSAGES:
                for node in shown(ast.parse(path.read_text(encoding="utf-8"))):
                    for clause in re.split(r"; (?=[a-z])", node.value):
                        if ADVICE.search(clause) and not re.fullmatch(r"/?--[a-z/-]+", clause):
                            yield f"{path.name}:{node.lineno}", clause.strip(" ,.`")


def shown(tree):
    """Yield the string constants of a module except docstrings and the help of commands."""
    hidden = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            hidden.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg in ("help", "short_help", "epilog"):
            hidden.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden:
            yield node


def test_every_message_that_names_an_option_is_followed():
    found = list(messages())
    assert len(found) > 15
    assert [each for each in found if not is_covered([each[1]]) and each[1] not in EXCEPTIONS] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command[:40])
def test_advised_options_exist(case):
    assert {*OPTION.findall(case.says)} <= parameters(case.name).keys()


def test_every_option_of_the_advice_is_followed():
    """Of alternatives, each is followed in at least one case."""
    named, executed = {}, {}
    for case in CASES:
        named.setdefault(case.says, set()).update(OPTION.findall(case.says))
        executed.setdefault(case.says, set()).update(case.followed()[1])
    assert {says: options - executed[says] for says, options in named.items() if options - executed[says]} == {}
