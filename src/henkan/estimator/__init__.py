"""The Python interface: `Seq2Seq`, with methods as in scikit-learn, and functions for models and pairs."""

from henkan.estimator.inspection import inspect
from henkan.estimator.model import Seq2Seq, combine, load
from henkan.estimator.selection import compare, learning_curve, rank_unlabelled

__all__ = ["Seq2Seq", "combine", "compare", "inspect", "learning_curve", "load", "rank_unlabelled"]
