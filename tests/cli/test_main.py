import sys

from click.testing import CliRunner

from henkan.cli.main import _prepare_streams, cli


def test_similar_command_is_suggested():
    result = CliRunner().invoke(cli, ["predcit"])
    assert result.exit_code == 2
    assert "there is no command 'predcit'; did you mean predict?" in result.output
    assert "there is no command 'x'; the commands are inspect, train," in CliRunner().invoke(cli, ["x"]).output


def test_unknown_option_is_not_a_command():
    result = CliRunner().invoke(cli, ["--fast"])
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_closed_streams_are_replaced(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    _prepare_streams()
    assert sys.stdin.read() == ""
    print("nobody reads this")
    print("nor this", file=sys.stderr)
    for each in (sys.stdin, sys.stdout, sys.stderr):
        each.close()
