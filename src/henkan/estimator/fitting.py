"""Training of a model from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from henkan.estimator.arguments import Validation, pairs_of, validation_pairs
from henkan.estimator.trained import Trained

if TYPE_CHECKING:
    from henkan.training.events import Report


class Fitting(Trained):
    """A model that can be trained."""

    def fit(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        dev: Validation | None = None,
        unlabelled: Iterable[str] | None = None,
        teacher: Trained | None = None,
        start: Trained | None = None,
        keep_lexicon: bool = False,
        callback: Report | list[Report] | tuple[Report, ...] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: float = 60.0,
    ) -> Self:
        """Train the model on pairs, from new random weights or from those of another model.

        >>> model = Seq2Seq(epochs=2)
        >>> model = model.fit(["ab", "ba"], ["AB", "BA"], dev=(["aa"], ["AA"]))

        If torchrun has started several processes, each of them must call `fit` with the same pairs. They train one
        model together, and each of them has it afterwards.

        Args:
            sources, targets: n sources and their n targets. If the setting `target_symbols` is None, as in the recipe
                "words", targets that clearly are symbols separated by spaces, such as phones, are split at spaces, and
                others into characters. The event `henkan.Started` has what was chosen.
            dev: sources and targets of a validation set. The model is evaluated on it after every epoch, keeps the
                weights of the epoch with the highest exact match, and calibrates its confidence on it. None: no
                validation, the weights of the last epoch are kept, and confidence is not calibrated.
            unlabelled: more sources, without targets. Their targets are predicted by `teacher` or, without one, by an
                ensemble of four that is trained on the pairs first (self-training); the model is trained on all.
                Sources of pairs, and with symbols that the pairs do not have, are not used. Never give sources of a
                test set.
            teacher: a trained model, usually an ensemble, that predicts the targets of unlabelled sources, so that the
                model learns to predict as the teacher does (distillation). If `unlabelled` is None, sources that
                resemble those of the pairs are generated.
            start: a trained model to continue from, with new pairs: the weights start from its weights, and its symbols
                are kept, to which those of the pairs are added. Its model settings are kept too, so parameters that
                contradict them are an error; leave those "auto". The learning rate and other settings of the training
                run are those of this model. `start` itself does not change, and may be this model.
            keep_lexicon: whether the model keeps the pairs as its lexicon, and then the lexicon of `start`; see
                `lexicon`. The pairs of `dev` and predicted targets are not kept. Training and validation do not use it.
            callback: function that receives the events of the run, or a list of functions. For each model, these events
                are first a `henkan.Started`, a `henkan.Preparing` and a `henkan.Estimated`, then a `henkan.Step` after
                each update, a `henkan.Epoch` after each epoch and a `henkan.Rollback` after a loss that is not finite.
                A `henkan.Calibrating` follows the last model, and a `henkan.Ended` is the last event, also after an
                error. A `henkan.Labelling` comes before the models that are trained with unlabelled sources, and a
                `henkan.Labelled` before and after each part of this work; the events before them are those of the
                ensemble that predicts the targets. An exception of a function ends training; the model then stays as
                it was before the call, except after a KeyboardInterrupt.
            checkpoint: folder for checkpoints. If it has an interrupted run with the same pairs and settings, `fit`
                resumes it, and the weights are the same, bit for bit, as without the interruption. If that run is
                complete, `fit` returns its model without training. `save` deletes the checkpoint; before that, the
                folder cannot be used for other pairs or settings. None: no checkpoints are written.
            checkpoint_every: seconds between checkpoints within an epoch. A checkpoint is also written after every
                epoch.

        Returns:
            self.

        Raises:
            DataError: if there are no pairs, the numbers of sources and targets differ, or they are not strings in
                an order.
            CheckpointError: if the folder has a run with other pairs or settings, or cannot be written.
            NotFittedError: if `teacher` or `start` is not trained.
            SettingsError: if a parameter of the model, an argument or a combination of them is invalid.
            KeyboardInterrupt: after Ctrl-C, or if `callback` raises it. Training stops after the current batch; a
                second Ctrl-C stops at once. The model then has the best weights so far and can be used and saved, but
                its confidence is not calibrated. Before the first update, the model stays as it was before the call.
                With a checkpoint folder, the next call resumes the run.

        Warns:
            RuntimeWarning: if training diverged (non-finite loss) repeatedly and was stopped. The model then has the
                last finite weights.
        """
        from henkan.estimator.run import job_of, train  # imports what predictions do without

        pairs, validation = pairs_of(sources, targets), validation_pairs(dev)
        job = job_of(
            self,
            pairs,
            held_out="none" if dev is None else "file",
            unlabelled=unlabelled,
            teacher=teacher,
            start=start,
            keep_lexicon=keep_lexicon,
        )
        train(self, pairs, validation, job, callback=callback, checkpoint=checkpoint, checkpoint_every=checkpoint_every)
        return self
