"""Many texts are read at once, with the same results as one at a time."""

import pytest

from henkan.inference.conversion import Request
from henkan.inference.source_reader import MANY, SourceReader
from henkan.text.tokenizer import Tokenizer, tokenize
from henkan.text.training_range import TrainingRange
from henkan.text.vocabulary import Vocabulary

TRAINING = ["ab", "abc1", "b 12a", "ca"]
TEXTS = ["ab", "abcabca", "123", "x1", "", " ", "b 12a", "12 1", "ａ１２３", "é", "cab"]
TOKENIZERS = {
    "characters": Tokenizer(),
    "words": Tokenizer(" "),
    "NFKC": Tokenizer(normalization="NFKC"),
    "lower case": Tokenizer(case="lower"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("unknown", [True, False])
@pytest.mark.parametrize("request_", [Request(), Request(unknown="skip"), Request(abstain_outside=True)], ids=str)
def test_many_texts_are_read_as_one_at_a_time(name, unknown, request_):
    tokenizer = TOKENIZERS[name]
    vocabulary = Vocabulary.of(TRAINING, boundary=False, unknown=unknown, tokenizer=tokenizer)
    reader = SourceReader(vocabulary, TrainingRange.from_tokens(tokenize(TRAINING, tokenizer), tokenizer))
    texts = TEXTS * (MANY // len(TEXTS) + 1)
    sources, others = reader.read(texts, request_)
    found = {index: sources.source(row, texts) for row, index in enumerate(sources.indices)} | others
    for index, text in enumerate(texts):
        one, other = reader.read([text], request_)
        assert found[index] == (other[0] if other else one.source(0, [text]))
