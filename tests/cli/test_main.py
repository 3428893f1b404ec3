from click.testing import CliRunner

from henkan.cli.main import cli


def test_similar_command_is_suggested():
    result = CliRunner().invoke(cli, ["predcit"])
    assert result.exit_code == 2
    assert "there is no command 'predcit'; did you mean predict?" in result.output
    assert "there is no command 'x'; the commands are inspect, train," in CliRunner().invoke(cli, ["x"]).output


def test_unknown_option_is_not_a_command():
    result = CliRunner().invoke(cli, ["--fast"])
    assert result.exit_code == 2
    assert "No such option" in result.output
