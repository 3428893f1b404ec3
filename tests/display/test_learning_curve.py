from henkan.display.learning_curve import Curve, curves_of, learning_curve
from markup import Markup

EPOCHS = [
    {"epoch": 1, "loss": 2.0, "exact_match": 0.25},
    {"epoch": 2, "loss": 0.5, "exact_match": 0.75},
    {"epoch": 3, "loss": 0.4, "exact_match": 0.5},
]


def test_curves_of_saved_metrics():
    [curve] = curves_of({"epochs": EPOCHS, "best_epoch": 2})
    assert curve == Curve([1, 2, 3], [2.0, 0.5, 0.4], [0.25, 0.75, 0.5], kept=1)
    assert curve.best == 0.75
    members = [{"epochs": EPOCHS, "best_epoch": 2}, {"epochs": EPOCHS[:1], "best_epoch": None}]
    assert [curve.kept for curve in curves_of({**members[0], "members": members})] == [1, None]
    assert learning_curve(curves_of({})) == ""


def test_a_model_has_a_chart_of_loss_and_one_of_exact_match():
    shown = Markup(learning_curve(curves_of({"epochs": EPOCHS, "best_epoch": 2})))
    assert [svg["aria-label"] for svg in shown.elements("svg")] == [
        "training loss (nats per symbol) by epoch",
        "exact match (validation set) by epoch",
    ]
    assert "75.00% in epoch 2" in shown.text
    assert "model 1" not in shown.text


def test_each_member_has_a_line_of_its_colour():
    members = [{"epochs": EPOCHS, "best_epoch": 2}, {"epochs": EPOCHS[:2], "best_epoch": 1}]
    shown = Markup(learning_curve(curves_of({"members": members})))
    strokes = [line["stroke"] for line in shown.elements("polyline")]
    assert strokes == [*strokes[:2], *strokes[:2]]
    assert strokes[0] != strokes[1]
    assert shown.text.endswith("model 1model 2")


def test_members_without_an_epoch_keep_their_number():
    two, none = curves_of({"epochs": EPOCHS, "best_epoch": 2}), [Curve()]
    shown = Markup(learning_curve([*none, *two, *two]))
    assert shown.text.endswith("model 2model 3")
    assert Markup(learning_curve([*two, *two, *two])).elements("polyline")[1] == shown.elements("polyline")[0]


def test_without_validation_set_there_is_only_the_loss():
    unmeasured = [{**epoch, "exact_match": None} for epoch in EPOCHS]
    assert len(Markup(learning_curve(curves_of({"epochs": unmeasured}))).elements("svg")) == 1


def test_the_axis_shows_the_planned_epochs():
    first = [Curve([1, 2], [1.0, 0.5], [None, None])]
    assert "40" in Markup(learning_curve(first, 40)).text
    assert "40" not in Markup(learning_curve(first)).text
    Markup(learning_curve([Curve([1], [0.0], [0.0])], 1))
