from dataclasses import replace

import pytest

from henkan.display.event_text import left_out, rollback, sizes
from henkan.display.terminal import TerminalDisplay
from henkan.training.events import Labelling, Rollback
from training_events import started

LABELLING = Labelling(20, {"blank": 1200, "known": 3})


def test_sizes_name_what_is_added_to_the_pairs():
    event = replace(started(), pairs=1000, held_out=0, weights=12_345)
    assert sizes(event) == "1,000 training pairs, no validation pairs; 12,345 weights"
    assert sizes(replace(event, synthetic=2000, labelled=30, held_out=100)) == (
        "1,000 training pairs and 2,000 synthetic ones, 30 sources with predicted targets, 100 validation pairs; "
        "12,345 weights"
    )


@pytest.mark.parametrize(("final", "end"), [(True, "training stopped"), (False, "learning rate reduced to 0.005")])
def test_a_terminal_says_what_happens(capsys, final, end):
    event = Rollback(2, 1500, 0.005, final=final)
    with TerminalDisplay(None, quiet=False) as show:
        for each in (replace(started(), member=2, members=3), LABELLING, Labelling(20, {}), event):
            show(each)
    assert left_out(LABELLING) == "some unlabelled sources are not used: 1,200 blank; 3 known"
    assert rollback(event) == f"loss is not finite in epoch 2; rolled back to update 1,500, {end}"
    labelling = "predicting the targets of 20 unlabelled sources ..."
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("model 2 of 3: ")
    assert others == [f"note: {left_out(LABELLING)}", labelling, labelling, rollback(event)]
