"""The examples in the docstrings of the Python interface print what they show, and every public method has one."""

import doctest
import inspect
import pkgutil
from importlib import import_module

import pytest

import henkan
import henkan.estimator

MODULES = [f"henkan.estimator.{each.name}" for each in pkgutil.iter_modules(henkan.estimator.__path__)]
PUBLIC = {name: member for name, member in inspect.getmembers(henkan.Seq2Seq) if not name.startswith("_")}
METHODS = {name: member for name, member in PUBLIC.items() if inspect.isroutine(member) or isinstance(member, property)}
FUNCTIONS = {name: getattr(henkan, name) for name in ("load", "combine", "inspect")}


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_show(name):
    module = import_module(name)
    names = {"Seq2Seq": henkan.Seq2Seq, **FUNCTIONS}
    found = doctest.testmod(module, extraglobs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


@pytest.mark.parametrize("name", [*METHODS, *FUNCTIONS])
def test_every_method_and_function_has_an_example(name):
    assert ">>> " in (METHODS | FUNCTIONS)[name].__doc__


def test_methods_are_found():
    assert {"fit", "predict", "lexicon", "history_", "get_params", "save"} <= METHODS.keys()
