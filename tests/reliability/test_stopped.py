"""Trainings that are killed, stopped, run out of disk, of rights and of memory: nothing is lost."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from henkan import Epoch, Seq2Seq, __version__, load
from henkan.storage.files import seal, unseal
from reliability.conftest import wait_for, write_lexicon

# With dropout, attention, the unknown symbol and a best epoch: all that has a state, or could have one.
SETTINGS = ("--epochs", 8, "--hidden-size", 24, "--embedding-size", 8, "--checkpoint-every", 0.05, "--quiet")
SEED = 20


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder of the same training, never interrupted."""
    place = tmp_path_factory.mktemp("whole")
    write_lexicon(place / "lexicon.tsv")
    command = [sys.executable, "-m", "henkan", "train", "lexicon.tsv", *map(str, SETTINGS), "--out", "whole"]
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    return place / "whole"


def begun(run, folder, lexicon, *more, **options):
    """A training into a folder, after its first checkpoint."""
    process = run("train", lexicon, *SETTINGS, *more, "--out", folder, **options)
    wait_for((folder / "checkpoint" / "progress.json").exists, process)
    return process


def killed(run, folder, lexicon):
    """What is left of a training that was killed after its first checkpoint."""
    process = begun(run, folder, lexicon)
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("kills", "more"),
    [
        pytest.param(5, (), id="5"),
        pytest.param(30, (), id="30", marks=pytest.mark.long),
        pytest.param(10, ("--ensemble", 2), id="ensemble", marks=pytest.mark.long),
        pytest.param(10, ("--recipe", "modern"), id="modern", marks=pytest.mark.long),
        pytest.param(6, ("--learning-rate", "1e20"), id="astray", marks=pytest.mark.long),
    ],
)
def test_killed_at_any_moment_a_training_ends_with_the_same_bytes(run, tmp_path, lexicon, kills, more):
    """The moments are drawn by a seed, from before the first checkpoint to the saving of the model."""
    settings = (*SETTINGS, *more)
    run("train", lexicon, *settings, "--out", "whole").communicate()
    generator, survived, turn = random.Random(SEED), 0, 0
    while survived < kills:
        turn += 1
        folder = tmp_path / f"killed{turn}"
        while not (folder / "manifest.json").exists() or (folder / "checkpoint" / "plan.json").exists():
            if (folder / "checkpoint" / "plan.json").exists():
                process = run("train", "--resume", folder, "--checkpoint-every", 0.05, "--quiet")
            else:
                process = run("train", lexicon, *settings, "--out", folder)
            try:
                process.wait(generator.uniform(0.2, 2.5) if survived < kills else 120)
            except subprocess.TimeoutExpired:
                process.kill()
                survived += 1
            else:
                assert process.returncode == (2 if "1e20" in more else 0), process.communicate()
        assert weights(folder) == weights(tmp_path / "whole")
        assert load(folder).predict(["abc"]) == load(tmp_path / "whole").predict(["abc"])
        assert not list(folder.glob(".*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_training_that_can_be_gone_on_with(run, henkan, tmp_path, lexicon, whole, number, status):
    process = begun(run, tmp_path / "m", lexicon)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == status
    assert f"progress is saved in {tmp_path}/m/checkpoint; resume with --resume {tmp_path}/m\n" in err
    assert "Traceback" not in err
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(whole)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(path.name for path in whole.iterdir())
    assert "is complete" in henkan("train", "--resume", "m").stdout


SLOW = """
import time
import henkan.training.loop
real = henkan.training.loop._updates
henkan.training.loop._updates = lambda *all: time.sleep(60) or real(*all)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_second_signal_leaves_at_once(run, henkan, tmp_path, lexicon, whole, number, status):
    """The first is noticed, and waits for a batch that takes a minute."""
    process = begun(run, tmp_path / "m", lexicon, before=SLOW)
    process.send_signal(number)
    while "once more leaves at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert "Traceback" not in err
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(whole)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_data_are_read_leaves_at_once(run, tmp_path, number, status):
    os.mkfifo(tmp_path / "pipe")  # which nobody writes to
    process = run("train", "pipe", "--out", "m")
    wait_for((tmp_path / "m/checkpoint/holder.json").exists, process)
    time.sleep(0.2)  # it may still be at its own beginning, which makes no difference
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert err == "henkan: interrupted before training started; nothing was saved\n"
    assert not (tmp_path / "m").exists()


def test_a_signal_that_is_ignored_stays_so(run, tmp_path, lexicon, whole):
    """As under nohup, or of a job that a shell started in the background."""

    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = begun(run, tmp_path / "m", lexicon, preexec_fn=ignore)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert weights(tmp_path / "m") == weights(whole)


def test_two_trainings_do_not_share_a_folder(run, refused, tmp_path, lexicon):
    first = run("train", lexicon, *SETTINGS[2:], "--epochs", 100, "--out", "m")
    wait_for((tmp_path / "m/checkpoint/progress.json").exists, first)
    for arguments in ((lexicon, "--out", "m", "--force"), ("--resume", "m")):
        sentence = refused("train", *arguments, *SETTINGS[-1:])
        assert f"process {first.pid} on " in sentence
        assert "has been training this model since" in sentence
    assert first.poll() is None


def test_a_stopped_training_is_not_begun_again_by_mistake(run, refused, henkan, tmp_path, lexicon, whole):
    killed(run, tmp_path / "m", lexicon)
    sentence = refused("train", lexicon, *SETTINGS, "--out", "m")
    assert "resume it with --resume m, or start over with --force" in sentence
    henkan("train", lexicon, *SETTINGS, "--out", "m", "--force")
    assert weights(tmp_path / "m") == weights(whole)


def test_nobodys_own_files_are_taken_for_a_checkpoint(refused, tmp_path, lexicon):
    """Not even by a command that fails; what looks like a checkpoint's own folder is looked into as well."""
    own = ("thesis.pt", "sub/notes.txt", "start/photograph.png", "tensors-best.safetensors")
    for name in own:
        place = tmp_path / name.replace("/", "-") / "checkpoint"
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text("mine")
        for arguments in (("none.tsv",), (lexicon,), (lexicon, "--force"), (lexicon, "--from", "none")):
            sentence = refused("train", *arguments, "--out", place.parent, *SETTINGS)
        assert "no such folder" in sentence
        sentence = refused("train", lexicon, "--out", place.parent, *SETTINGS)
        shown = name if name != "sub/notes.txt" else "sub"
        assert f"{place}: the folder has other files ({shown}); choose another --out" in sentence
        assert [path for path in place.rglob("*") if path.is_file()] == [place / name]
        assert (place / name).read_text() == "mine"


def test_what_has_changed_is_named(run, refused, henkan, tmp_path, lexicon):
    killed(run, tmp_path / "m", lexicon)
    text = lexicon.read_text()
    lexicon.write_text(text + "a\tb\n")
    assert "the training pairs differ from those of the interrupted run" in refused("train", "--resume", "m", "--quiet")
    lexicon.rename(tmp_path / "other.tsv")
    sentence = refused("train", "--resume", "m", "--quiet")
    assert f"{lexicon}: this file of the interrupted run no longer exists" in sentence
    assert "`henkan train NEW_PATH --resume m`" in sentence
    (tmp_path / "moved.tsv").write_text(text)
    sentence = refused("train", "moved.tsv", "--resume", "m", "--epochs", 9, "--quiet")
    assert "epochs is 9, but was 8 in the interrupted run; omit the option" in sentence
    assert "hidden size is 9, but was 24" in refused(
        "train", "moved.tsv", "--resume", "m", "--hidden-size", 9, "--quiet"
    )
    assert "--out cannot be combined with --resume" in henkan("train", "--resume", "m", "--out", "n", status=2).stderr
    done = run("train", "moved.tsv", "--resume", "m", "--quiet", environment={"HENKAN_KERNELS": "plain"})
    _, err = done.communicate()
    assert done.returncode == 0, err
    assert re.search(r" with fused kernels \(numba .*\) on .* and resumes with NumPy .* with plain kernels on ", err)


def test_another_version_of_henkan_is_named(run, henkan, tmp_path, lexicon, whole):
    killed(run, tmp_path / "m", lexicon)
    path = tmp_path / "m/checkpoint/plan.json"
    plan = unseal(path.read_bytes(), path.parent, path.name)
    path.write_bytes(seal({**plan, "versions": {**plan["versions"], "henkan": "0.0.1"}}))
    err = henkan("train", "--resume", "m", "--quiet").stderr
    assert err.startswith(f"warning: this run was started with henkan 0.0.1 and resumes with {__version__}; ")
    assert len(err.splitlines()) == 1
    assert weights(tmp_path / "m") == weights(whole)


def test_a_checkpoint_may_be_older_than_a_setting(run, henkan, refused, tmp_path, lexicon, whole):
    killed(run, tmp_path / "m", lexicon)
    path = tmp_path / "m/checkpoint/plan.json"
    plan = unseal(path.read_bytes(), path.parent, path.name)
    del plan["model"]["architecture"]
    path.write_bytes(seal(plan))
    sentence = refused("train", "--resume", "m", "--quiet", "--architecture", "other")
    assert "the architecture 'other' is not registered here" in sentence
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(whole)


def test_a_damaged_checkpoint_is_refused(run, refused, tmp_path, lexicon):
    killed(run, tmp_path / "m", lexicon)
    folder = tmp_path / "m/checkpoint"
    tensors = json.loads((folder / "progress.json").read_text())["content"]["tensors"]
    for path in (folder / name for name in ("plan.json", "progress.json", tensors)):
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        assert "damaged" in refused("train", "--resume", "m", "--quiet")
        path.write_bytes(content)


@pytest.mark.parametrize("settings", [("--hidden-size", 8), ("--seed", 1)], ids=["other sizes", "same sizes"])
def test_the_progress_of_another_training_is_refused(run, refused, tmp_path, lexicon, settings):
    for name, more in (("m", ()), ("other", settings)):
        process = begun(run, tmp_path / name, lexicon, *more)
        process.kill()
        process.wait()
    for left in (tmp_path / "m/checkpoint").glob("tensors-*"):
        left.unlink()
    for path in (tmp_path / "other/checkpoint").iterdir():
        if path.name.startswith(("progress", "tensors")):
            shutil.copy(path, tmp_path / "m/checkpoint")
    assert "progress.json and plan.json belong to different training runs" in refused(
        "train", "--resume", "m", "--quiet"
    )


def test_a_folder_taken_away(run, tmp_path, lexicon):
    process = run("train", lexicon, *SETTINGS[2:], "--epochs", 100, "--out", "m")
    wait_for((tmp_path / "m/checkpoint/progress.json").exists, process)
    (tmp_path / "m").rename(tmp_path / "elsewhere")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "the checkpoint cannot be written (No such file or directory)" in err
    assert "Traceback" not in err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of three megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small file system to fill")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is not allowed here ({done.stderr.decode().strip()})")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(path):
    """Write until there is no room."""
    with suppress(OSError), path.open("wb", buffering=0) as junk:
        while junk.write(bytes(2**12)):
            pass


def test_a_full_disk(run, henkan, lexicon, whole, small_disk):
    folder = small_disk / "m"
    process = begun(run, folder, lexicon)
    fill(small_disk / "junk")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "cannot be written (No space left on device), the previous checkpoint is intact; check permissions" in err
    assert f"resume with --resume {folder}" in err
    assert "Traceback" not in err
    (small_disk / "junk").unlink()
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(whole)


def test_no_room_for_the_model_itself(run, henkan, refused, lexicon, whole, small_disk):
    """The checkpoint fits, and the model beside it does not."""
    folder = small_disk / "m"
    killed(run, folder, lexicon)
    before = {path.name: path.read_bytes() for path in (folder / "checkpoint").iterdir()}
    fill(small_disk / "junk")
    assert "No space left on device" in refused("train", "--resume", folder, "--quiet")
    after = {path.name: path.read_bytes() for path in (folder / "checkpoint").iterdir()}
    assert after["progress.json"] == before["progress.json"]
    (small_disk / "junk").unlink()
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(whole)


def test_a_disk_that_may_not_be_written(run, refused, henkan, lexicon, whole, small_disk):
    folder = small_disk / "m"
    killed(run, folder, lexicon)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert "Read-only file system" in refused("train", lexicon, *SETTINGS, "--out", small_disk / "other")
    assert "Read-only file system" in refused("train", "--resume", folder, "--quiet")
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(whole)


def test_too_large_a_batch(run, tmp_path):
    def little_memory():
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))

    settings = ("--hidden-size", 512, "--batch-size", 45_000, "--epochs", 1, "--quiet")
    process = run("train", "addition", *settings, "--out", "m", preexec_fn=little_memory)
    _, err = process.communicate()
    assert process.returncode == 2, err
    assert "not enough memory; use less data or a smaller model" in err
    assert "Traceback" not in err
    assert (tmp_path / "m/checkpoint/progress.json").exists()


NO_MEMORY = """
import itertools
from henkan.engine.numpy import NumpyEngine
update, number = NumpyEngine.train_step, itertools.count(1)

def train_step(self, *arguments):
    if next(number) == 100:
        raise MemoryError
    return update(self, *arguments)

NumpyEngine.train_step = train_step
"""


def test_a_training_goes_on_after_the_memory_has_run_out(run, henkan, tmp_path, lexicon, whole):
    """Somebody else may have taken it."""
    process = run("train", lexicon, *SETTINGS, "--out", "m", before=NO_MEMORY)
    _, err = process.communicate()
    assert process.returncode == 2
    [sentence] = err.splitlines()
    assert "not enough memory" in sentence
    state = json.loads((tmp_path / "m/checkpoint/progress.json").read_text())["content"]["state"]
    assert 0 < state["position"]["step"] < 100
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(whole)


def test_an_ensemble_killed_at_its_second_model(run, henkan, tmp_path, lexicon):
    settings = ("--ensemble", 2, "--epochs", 4)
    henkan("train", lexicon, *SETTINGS, *settings, "--out", "whole")
    process = begun(run, tmp_path / "m", lexicon, *settings)
    progress = tmp_path / "m/checkpoint/progress.json"
    wait_for(lambda: json.loads(progress.read_text())["content"]["done"] == 1, process)
    process.kill()
    process.wait()
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(tmp_path / "whole")


def test_a_loss_that_is_no_number(run, henkan, tmp_path, lexicon):
    process = run("train", lexicon, "--learning-rate", "1e20", *SETTINGS[:-1], "--out", "m")
    _, err = process.communicate()
    assert process.returncode == 2
    lines = [line for line in err.splitlines() if "loss is not finite" in line]
    assert [line.rpartition(", ")[2] for line in lines] == [
        "learning rate reduced to 5e+19",
        "learning rate reduced to 2.5e+19",
        "learning rate reduced to 1.2e+19",
        "training stopped",
    ]
    assert "train again with a learning rate below 1e+20" in err.splitlines()[-1]
    assert henkan("predict", "m", "abc").stdout.endswith("\n")
    assert not (tmp_path / "m/checkpoint").exists()


def test_a_training_can_be_moved_and_resumed_elsewhere(run, henkan, tmp_path, lexicon, whole):
    killed(run, tmp_path / "m", lexicon.name)
    (tmp_path / "away").mkdir()
    shutil.move(tmp_path / "m", tmp_path / "away")
    henkan("train", "--resume", "m", "--quiet", cwd=tmp_path / "away")
    assert weights(tmp_path / "away/m") == weights(whole)


def test_the_new_place_of_the_data_is_remembered(run, refused, henkan, tmp_path, lexicon):
    (tmp_path / "dev.tsv").write_text("a\tA\n")
    process = begun(run, tmp_path / "m", lexicon, "--dev", "dev.tsv")
    process.kill()
    process.wait()
    henkan("train", lexicon, *SETTINGS, "--dev", "dev.tsv", "--out", "whole")
    for name in ("lexicon.tsv", "dev.tsv"):
        (tmp_path / name).rename(tmp_path / f"moved.{name}")
    assert "`henkan train NEW_PATH --resume m`" in refused("train", "--resume", "m", "--quiet")
    moved = ("moved.lexicon.tsv", "--resume", "m")
    assert "`henkan train --resume m --dev NEW_PATH`" in refused("train", *moved, "--quiet")
    before = (tmp_path / "m/checkpoint/plan.json").read_bytes()
    process = run("train", *moved, "--dev", "moved.dev.tsv", "--quiet", "--checkpoint-every", 0)
    wait_for(lambda: (tmp_path / "m/checkpoint/plan.json").read_bytes() != before, process)
    process.kill()
    process.wait()
    (tmp_path / "away").mkdir()
    henkan("train", "--resume", tmp_path / "m", "--quiet", cwd=tmp_path / "away")
    assert weights(tmp_path / "m") == weights(tmp_path / "whole")


def test_a_training_begun_from_python_is_gone_on_with_there(refused, tmp_path, words):
    def stop(event):
        if isinstance(event, Epoch):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(epochs=2).fit(*words, callback=stop, checkpoint=tmp_path / "m")
    sentence = refused("train", "--resume", tmp_path / "m")
    assert "started from Python and its pairs are not stored; resume it there with fit(..., checkpoint=" in sentence
    assert (tmp_path / "m/checkpoint/progress.json").exists()


def test_what_is_taken_out_of_a_checkpoint(run, refused, henkan, tmp_path, lexicon, whole):
    """A sentence, or the same bytes from the beginning; never another model."""
    process = begun(run, tmp_path / "m", lexicon, "--from", whole)
    process.kill()
    process.wait()
    henkan("train", lexicon, *SETTINGS, "--from", whole, "--out", "whole")
    folder = tmp_path / "m/checkpoint"
    tensors = json.loads((folder / "progress.json").read_text())["content"]["tensors"]
    for name in (tensors, "start/weights.safetensors", "start"):
        (folder / name).rename(tmp_path / "away")
        sentence = refused("train", "--resume", "m", "--quiet")
        assert "start over with --force" in sentence
        assert ("the model that this run started from can no longer be read" in sentence) == ("start" in name)
        (tmp_path / "away").rename(folder / name)
    (folder / "progress.json").unlink()
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(tmp_path / "whole")


def test_what_an_earlier_training_started_from_is_forgotten(run, henkan, tmp_path, lexicon, whole):
    """A training with --from, killed, and another one without, in the same folder."""
    process = begun(run, tmp_path / "m", lexicon, "--from", whole)
    process.kill()
    process.wait()
    assert (tmp_path / "m/checkpoint/start").is_dir()
    process = run("train", lexicon, *SETTINGS, "--out", "m", "--force")
    wait_for(lambda: not (tmp_path / "m/checkpoint/start").exists(), process)
    process.kill()
    process.wait()
    command = ("train", "--resume", "m", "--quiet") if (tmp_path / "m/checkpoint/plan.json").exists() else None
    henkan(*(command or ("train", lexicon, *SETTINGS, "--out", "m", "--force")))
    assert weights(tmp_path / "m") == weights(whole)
