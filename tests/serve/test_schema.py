"""Schemathesis sends requests that follow the OpenAPI schema of the server, and others, and checks the answers."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed; `make test-serve`")
@pytest.mark.parametrize("token", [None, "t"])
def test_answers_follow_the_schema(start, token, tmp_path):
    server = start(**({} if token is None else {"HENKAN_TOKEN": token}))
    header = [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [
            sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run",
            f"{server.url}/openapi.json", "--checks", CHECKS, "--max-examples", "60", "--seed", "1", "--mode", "all",
            "--no-color", *header,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr + "".join(server.log)
    assert "Traceback" not in "".join(server.log)
