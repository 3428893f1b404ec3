"""Fuzz the reader of pair files: any bytes must give pairs or raise a `HenkanError`.

python fuzz/pairs.py -max_total_time=60
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from henkan.errors import HenkanError
    from henkan.text.audit import audit
    from henkan.text.pairs import Columns
    from henkan.text.reading import read_pairs
    from henkan.text.tokenizer import Tokenizer
    from henkan.text.vocabulary import Vocabulary

FOLDER = Path(tempfile.mkdtemp())
COLUMNS = Columns.parse("source,target,features")


def try_one(data: bytes) -> None:
    """The first byte selects the format; the rest is the content of the file."""
    choice, content = data[:1], data[1:]
    features = choice > b"\x7f"
    path = FOLDER / ("pairs.jsonl" if choice[-1:] and choice[0] % 2 else "pairs.tsv")
    path.write_bytes(content)
    try:
        pairs = read_pairs(path, columns=COLUMNS if features else Columns())
    except HenkanError as error:
        assert "\n" not in str(error)
        return
    source, target = Tokenizer(features=features), Tokenizer()
    audit(pairs, {"itself": pairs}, source=source, target=target).warnings()
    for strings, tokenizer in ((pairs.sources, source), (pairs.targets, target)):
        vocabulary = Vocabulary.of(strings, boundary=False, tokenizer=tokenizer)
        for string in strings:
            assert list(vocabulary.symbols_of(vocabulary.encode(string))) == list(tokenizer.tokenize(string))


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
