"""Fuzz the reader of pair files: any bytes must give pairs or raise a `HenkanError`.

python fuzz/pairs.py -max_total_time=60
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from henkan.errors import HenkanError
    from henkan.recipes import make_configs
    from henkan.text.audit import audit
    from henkan.text.layout import FORMATS, Layout
    from henkan.text.pairs import TWO_COLUMNS, Columns
    from henkan.text.reading import Rejects, read_pair_file
    from henkan.text.target_symbols import with_target_symbols
    from henkan.text.tokenized_pairs import TokenizedPairs
    from henkan.text.vocabulary import Vocabulary

FOLDER = Path(tempfile.mkdtemp())
NAMES = ["pairs.txt", "pairs.csv", "pairs.jsonl", "pairs.txt.gz"]
ENCODINGS = ["utf-8", "latin-1", "utf-16", "shift_jis", "utf-7", "iso2022_jp", "idna", "unicode_escape"]
DELIMITERS = [None, "\t", ",", " ", "::"]
COLUMNS = [TWO_COLUMNS, Columns(1, 0, 2, 3), Columns(0, 1, None, None)]


def try_one(data: bytes) -> None:
    """The first bytes select name, format, encoding and layout; the rest is the content of the file."""
    provider = atheris.FuzzedDataProvider(data)
    name, format = provider.PickValueInList(NAMES), provider.PickValueInList(list(FORMATS))
    encoding, delimiter = provider.PickValueInList(ENCODINGS), provider.PickValueInList(DELIMITERS)
    columns = provider.PickValueInList(COLUMNS)
    rejects = Rejects(FOLDER / "rejects.tsv") if provider.ConsumeBool() else None
    path = FOLDER / name
    path.write_bytes(provider.ConsumeBytes(len(data)))
    try:
        layout = Layout(format=format, encoding=encoding, delimiter=delimiter, columns=columns)
        file = read_pair_file(path, layout, rejects)
    except HenkanError as error:
        assert "\n" not in str(error)
        return
    finally:
        if rejects is not None:
            rejects.close()
    assert all("\n" not in str(note) for note in file.notes)
    pairs, (model, _) = file.pairs, make_configs({"features": columns.features is not None})
    model = with_target_symbols(model, pairs, lexicon=file.format == "lexicon")
    tokenized = TokenizedPairs.of(pairs, model)
    audit(tokenized, {"itself": pairs}).warnings()
    for strings, tokenizer in (
        (pairs.sources, tokenized.source_tokenizer),
        (pairs.targets, tokenized.target_tokenizer),
    ):
        vocabulary = Vocabulary.of(strings, boundary=False, tokenizer=tokenizer)
        for string in strings:
            assert list(vocabulary.symbols_of(vocabulary.encode(string))) == list(tokenizer.tokenize(string))


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
