"""A model as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping

from henkan.display.learning_curve import curves_of, learning_curve
from henkan.display.model_facts import model_facts
from henkan.drawing import html
from henkan.training.fitted_model import FittedModel


def model_html(title: str, fitted: FittedModel | None, settings: Mapping[str, object]) -> str:
    """Show a model: what it is, how accurate it is, and the learning curve of each ensemble member.

    Args:
        title: the text of the model, such as its `repr`.
        fitted: the trained model; None if it is not trained.
        settings: the settings that were given, which are shown of a model that is not trained.
    """
    code = f'<pre class="henkan-code">{html.lines(title)}</pre>'
    if fitted is None:
        shown = [(name, repr(value)) for name, value in settings.items()]
        return html.card(code, html.properties(shown), '<div class="henkan-faint">not trained</div>')
    saved = fitted.saved
    return html.card(code, html.properties(model_facts(saved)), learning_curve(curves_of(saved.metrics)))
