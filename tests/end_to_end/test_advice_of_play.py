"""`henkan play`: what it writes and serves, and the advice of its messages, which is followed."""

import os
import re
import signal
import subprocess
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from henkan.export.html.playground import build_playground


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_page_is_written(here):
    page = build_playground()
    printed = here("play", "--out", "playground.html").stdout
    assert printed == f"playground.html: {len(page):,} bytes; open it in a browser\n"
    assert Path("playground.html").read_bytes() == page
    Path("folder").mkdir()
    assert here("play", "--out", "folder", status=2).stderr.endswith("is a folder; choose another --out\n")
    message = here("play", "--out", "none/a.html", status=2).stderr
    assert message.endswith("cannot be written (No such file or directory); choose another --out\n")
    Path("mine.html").write_text("mine")
    message = here("play", "--out", "mine.html", status=2).stderr
    assert message.endswith("already exists; use --force or another --out\n")
    assert Path("mine.html").read_text() == "mine"
    here("play", "--out", "mine.html", "--force")
    assert Path("mine.html").read_bytes() == page


def test_the_page_has_everything_that_it_needs():
    page = build_playground().decode()
    assert not re.search(r"""(src|href)="(?!data:|#)""", page)
    assert not re.search(r"""url\((?!data:)|@import|(src|href)=["']?https?:""", page)
    assert "connect-src" not in page
    assert "default-src 'none'" in page
    assert 'data-docs="../"' in build_playground(docs="../").decode()


@pytest.mark.parametrize("options", [("--language", "ja"), ("--view", "states"), ("--port", "8000"), ("--no-browser",)])
def test_options_of_the_served_page_do_not_apply_to_a_file(here, options):
    name = f"{options[0].strip('-')}.html"
    message = here("play", "--out", name, *options, status=2).stderr
    assert message.endswith(
        "--language, --view, --port and --no-browser do not apply to a file; omit them, and add ?lang=ja or "
        "?view=states to the address of the file\n"
    )
    here("play", "--out", name)


def test_another_port(here, monkeypatch):
    stopped(monkeypatch)
    with ThreadingHTTPServer(("127.0.0.1", 0), None) as server:
        taken = server.server_port
        message = here("play", "--no-browser", "--port", taken, status=2).stderr
        assert re.search(rf"port {taken} cannot be used \(.+\); choose another --port\n$", message)
        here("play", "--no-browser", "--port", "0")


def stopped(monkeypatch):
    """The server stops at once, as by Ctrl-C."""

    def stop(_server, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", stop)


def test_the_browser_opens_the_page(here, monkeypatch):
    stopped(monkeypatch)
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or len(opened) == 1)
    printed = here("play", "--language", "ja", "--view", "probe").stderr
    address = re.fullmatch(r"the playground is at (\S+); Ctrl-C stops it\n", printed)[1]
    assert opened == [address]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?lang=ja&view=probe", address)
    assert here("play").stderr.endswith("no browser could be started; open the address in one\n")


def test_the_page_is_served_until_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "henkan", "play", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        try:
            address = re.search(r"http://\S+/", server.stderr.readline())[0]
            with urlopen(f"{address}?lang=ja", timeout=60) as answer:
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.read() == build_playground()
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"{address}secret", timeout=60)
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()
