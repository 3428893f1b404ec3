"""The advice of `henkan serve`'s messages, which is followed."""

import sys

import pytest

from henkan.serve.settings import PACKAGES


def started(monkeypatch):
    """Start no server; return the list of the settings with which one would be started."""
    settings = []
    monkeypatch.setattr("henkan.serve.settings.find_spec", lambda _name: sys)
    pytest.importorskip("uvicorn", reason="uvicorn is not installed; run `make test-serve`")
    monkeypatch.setattr("henkan.serve.process.run", lambda given: settings.append(given) or 0)
    return settings


def test_install_the_extra(here, monkeypatch):
    monkeypatch.setattr("henkan.serve.settings.find_spec", lambda _name: None)
    message = here("serve", "model", status=2).stderr
    assert f"not installed ({', '.join(PACKAGES)})" in message
    assert message.endswith("pip install 'henkan[serve]'\n")
    settings = started(monkeypatch)  # as if they were installed
    here("serve", "model")
    assert len(settings) == 1


def test_choose_another_token_file(here, monkeypatch, tmp_path):
    settings = started(monkeypatch)
    (tmp_path / "token").write_text("secret\n")
    message = here("serve", "model", "--token-file", tmp_path / "none", status=2).stderr
    assert message.endswith("cannot be read (No such file or directory); choose another --token-file\n")
    here("serve", "model", "--token-file", tmp_path / "token")
    assert settings[0].token == "secret"
