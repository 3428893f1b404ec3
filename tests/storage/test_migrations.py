from dataclasses import asdict, replace

from henkan.config import ModelConfig, from_dict, to_dict
from henkan.storage.migrations import from_1
from henkan.text.tokenizer import tokenizers

NEW = ("source_case", "tag_separator", "sort_tags")


def migrated(model):
    """The settings and the tokenizers of a model that was saved in format 1."""
    config = {
        "model": {name: value for name, value in to_dict(model).items() if name not in NEW},
        "members": 1,
        "calibration": None,
    }
    cut = {"unit": "characters", "normalization": "none", "features": False}
    vocabulary = {"source": {"cut": {**cut, "features": model.features}, "longest": 3}, "target": {"cut": cut}}
    config, vocabulary = from_1(config, vocabulary)
    assert (config["members"], vocabulary["source"]["longest"]) == (1, 3)
    return from_dict(ModelConfig, config["model"]), [vocabulary[side]["cut"] for side in ("source", "target")]


def test_model_without_tags_of_format_1_has_the_settings_of_a_new_one():
    model, cuts = migrated(ModelConfig(layers=2))
    assert model == ModelConfig(layers=2)
    assert cuts == [asdict(each) for each in tokenizers(model)]


def test_model_with_tags_of_format_1_reads_them_as_given():
    model, cuts = migrated(ModelConfig(features=True))
    assert model == replace(ModelConfig(features=True), tag_separator=";", sort_tags=False)
    assert cuts == [asdict(each) for each in tokenizers(model)]
