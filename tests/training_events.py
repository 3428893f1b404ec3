"""The events of a training run, with numbers that tests can check."""

from henkan.training.events import Epoch, Estimated, Preparing, Started, Step


def started(member=1, members=1, epochs=3, converter=None):
    return Started(converter, 1200, 100, epochs, 5000, member, members)


def step(epoch, number, steps=30):
    return Step(epoch, number, steps, loss=0.5 / epoch, learning_rate=0.01, pairs=100 * number, seconds=0.5 * number)


def epoch(number, match=None, dev_loss=None):
    return Epoch(number, 1 / number, match, 5.0, 0.01, dev_loss)


def run_of(matches, **options):
    """The events of a model with these exact matches."""
    events = [started(**options), Preparing(), Estimated(15.0, 0.0)]
    for number, match in enumerate(matches, 1):
        events += [step(number, 10 * number - 5), step(number, 10 * number), epoch(number, match, 1.0)]
    return events
