"""Messages that advise something, by subject. `end_to_end/test_advice.py` provokes them and follows their advice."""

import json

from advice import Case
from lexicon import LEXICON, some

SMALL = "--epochs 1 --hidden-size 4 --embedding-size 4 --batch-size 8 --augment 0 --no-calibrate-outside"
WORDS = "".join(f"{a}{b}\t{a.upper()}{b.upper()}\n" for a in "abc" for b in "abc")
COMMA_SEPARATED = WORDS.replace("\t", ",")
TAGGED = "".join(f"{a}{b}\t{a}s\tV;{b}\n" for a in "abc" for b in "xyz")
SPACED = "hello HH AH L OW\nworld W ER L D\ncat K AE T\ndog D AO G\n" * 5
REJECTS = {"--rejects": "rejects.tsv"}
FORMAT = {"--format": "pairs"}
OTHER = {"--out": "other"}


def tsv(rows):
    """The content of a tab-separated file."""
    return "".join("\t".join(row) + "\n" for row in rows)


def reading(file, content, says, options="", **more):
    """Return one case for each command that reads a file of pairs."""
    commands = (
        f"inspect {file}",
        f"train {file} {SMALL} --out out",
        f"evaluate model {file}",
        f"compare model second-model {file}",
        f"score model {file}",
        f"combine model second-model --dev {file} --out out",
    )
    return [Case(f"{command} {options}", says, {file: content}, **more) for command in commands]


FIX_LAYOUT = (
    "choose other --columns, another --delimiter or another --format, fix the line, or skip such lines with "
    "--rejects FILE"
)
READ_AS_LEXICON = (
    "if the line is a word and its phones, use --format lexicon without --columns and --delimiter; otherwise choose "
    "other --columns or another --delimiter, or skip such lines with --rejects FILE"
)
NAME_ENCODING = "name its encoding, as in --encoding latin-1, or skip such lines with --rejects FILE"
FILES = [
    *reading("x.tsv", TAGGED, FIX_LAYOUT, values={"--columns": "source,target,-"}),
    *reading("x.txt", WORDS.replace("\t", "_"), FIX_LAYOUT, values={"--delimiter": "_"}),
    *reading("x.txt", COMMA_SEPARATED, FIX_LAYOUT, values={"--format": "csv"}),
    *reading("x.tsv", WORDS + "?\n", FIX_LAYOUT, values=REJECTS, by_hand={"fix the line": {"x.tsv": WORDS}}),
    *reading("x.txt", SPACED, READ_AS_LEXICON, "--format pairs"),
    *reading("x.txt", SPACED, READ_AS_LEXICON, "--delimiter ' '", values={"--columns": "1,2"}),
    *reading("x.tsv", tsv((s, t.replace(" ", "\t")) for s, t in LEXICON), FIX_LAYOUT, values={"--columns": "1,2"}),
    *reading("x.txt", WORDS + "be bi a\n", READ_AS_LEXICON, values=REJECTS),
    *reading("x.csv", 5 * COMMA_SEPARATED + "a\n", FIX_LAYOUT, values=REJECTS),
    *reading(
        "x.txt",
        "".join(f'"{s}"\t"{s}"\n' for s in WORDS.split()) + '"a"b\t"c"\n',
        "fix the line, choose another --format, or skip such lines with --rejects FILE",
        values=REJECTS | FORMAT,
        by_hand={"fix the line": {"x.txt": '"a"\t"b"\n"c"\t"d"\n' * 20}},
    ),
    *reading(
        "x.txt",
        "".join(f'"{s}"\t"{s}"\n' for s in WORDS.split()),
        "choose another with --format if this is wrong",
        status=0,
        values=FORMAT,
    ),
    *reading(
        "x.csv",
        "source,target,more\n" + "a,b,c\nb,a,d\n",
        "name all of them, as in --columns source,target,-, to choose others or to omit this note",
        status=0,
    ),
    *reading(
        "x.txt",
        TAGGED.replace("\t", "|"),
        "name all of them, as in --columns source,target,-, to choose others or to omit this note",
        "--delimiter '|' --columns 1,2",
        status=0,
    ),
    *reading(
        "x.txt",
        SPACED,
        "if they are phones, use --format lexicon without --columns and --delimiter",
        "--delimiter ' ' --columns 1,2",
        status=0,
    ),
    *reading("x.tsv", (WORDS + "é\té\n").encode("latin-1"), NAME_ENCODING, values=REJECTS),
    *reading("x.tsv", WORDS.encode("utf-16"), "name its encoding, as in --encoding utf-16"),
    *reading("x.tsv", WORDS.encode("utf-32"), "name its encoding, as in --encoding utf-32"),
    *reading(
        "x.tsv",
        WORDS + "é\té\n",
        "choose another --encoding, or skip such lines with --rejects FILE",
        "--encoding ascii",
        values=REJECTS | {"--encoding": "utf-8"},
    ),
    *reading(
        "x.jsonl",
        '{"source": "a", "target": "b"}\n{"source": "b", "target": "b"}\n{"source": "c"}\n',
        "fix the line, or skip such lines with --rejects FILE",
        values=REJECTS,
        by_hand={"fix the line": {"x.jsonl": '{"source": "a", "target": "b"}\n{"source": "c", "target": "b"}\n'}},
    ),
    *reading("x.tsv", WORDS + "a\0\tb\n", "or skip such lines with --rejects FILE", values=REJECTS),
    *reading("x.tsv", WORDS, "choose another --rejects", "--rejects x.tsv", values=REJECTS),
    *reading("x.tsv", WORDS + "?\n", "choose another --rejects", "--rejects none/r.tsv", values=REJECTS),
]
"""Files that are read in another way than they are written."""


def training(file, content, says, options="", **more):
    """Return a case for `inspect` and one for `train`."""
    commands = (f"inspect {file}", f"train {file} {SMALL} --out out")
    return [Case(f"{command} {options}", says, {file: content}, **{"status": 0, **more}) for command in commands]


PHONES_IN_JSON = "".join(f'{{"source": "{s}", "target": "{t}"}}\n' for s, t in LEXICON)


def damaged_json(change, says):
    """Return a case for each of two commands that read damaged JSON Lines, which are then corrected."""
    damaged = "".join(json.dumps({"source": s, "target": t}) + "\n" for s, t in some(change))
    return training("x.jsonl", damaged, says, by_hand={says.removeprefix("; "): {"x.jsonl": PHONES_IN_JSON}})


AUDIT = [
    *damaged_json(lambda s, t: (f"{s} ", t), "; remove it from the file"),
    *damaged_json(lambda s, t: (s, f'"{t}"'), "; remove them"),
    *training(
        "x.tsv",
        tsv(some(lambda s, t: (s, f'"{t}"'))).replace("\t", "::"),
        "; remove them",
        "--delimiter ::",
        by_hand={"remove them": {"x.tsv": tsv(LEXICON).replace("\t", "::")}},
    ),
    *damaged_json(lambda s, t: (f"{s}(2)", t), "; remove them"),
    *training(
        "x.jsonl",
        "".join(json.dumps({"source": s, "target": s}) + "\n" for s, _ in LEXICON),
        "; correct the file",
        by_hand={"correct the file": {"x.jsonl": PHONES_IN_JSON}},
    ),
    *training(
        "x.tsv",
        tsv([*LEXICON, *((f"{s}(2)", t) for s, t in LEXICON[:5])]),
        "remove them or, if this is a pronunciation lexicon, use --format lexicon without --columns and --delimiter",
        "--columns 1,2",
    ),
    *training("x.tsv", tsv(some(lambda s, t: (s, f'"{t}"'))), "read the file with --format csv"),
    *training(
        "x.tsv", tsv(some(lambda s, t: (s, f'"{t}"'))), "read the file with --format csv", "--columns source,target"
    ),
    *training("x.tsv", tsv(some(lambda s, t: (f"{s} ", t))), "remove it with --strip"),
    *training("x.tsv", tsv(LEXICON), "use --target-symbols ' '", "--target-symbols characters"),
    *training("x.jsonl", PHONES_IN_JSON, "use --target-symbols ' '", "--target-symbols characters"),
    *training("x.tsv", tsv((t, s) for s, t in LEXICON), "use --source-symbols ' '"),
    *training(
        "x.tsv",
        tsv((s + ("e\u0301" if k % 40 == 30 else "\u00e9"), t) for k, (s, t) in enumerate(LEXICON)),
        "use --source-normalization NFC",
    ),
    *training(
        "x.tsv",
        tsv((s, s + ("e\u0301" if k % 40 == 30 else "\u00e9")) for k, (s, _) in enumerate(LEXICON)),
        "use --target-normalization NFC",
    ),
    *training("x.tsv", tsv(LEXICON), "use --source-case lower to read both cases"),
    *training("x.tsv", tsv((s.upper(), t) for s, t in LEXICON), "use --source-case upper to read both cases"),
    *training(
        "x.tsv",
        tsv((s.upper() if k % 4 else s, t) for k, (s, t) in enumerate(LEXICON)),
        "use --source-case lower to read both cases",
    ),
    *training(
        "x.tsv",
        tsv((f"{s}s" if "PL" in tags else s, s, tags) for s, _ in LEXICON[:40] for tags in ("N|SG", "N|PL")),
        "use --tag-separator '|'",
        "--columns target,source,features --tag-separator ';'",
    ),
    Case(
        "inspect x.tsv --columns source,target,-",
        "choose the columns of source and target with --columns",
        {"x.tsv": tsv((str(number), *row) for number, row in enumerate(LEXICON, start=1))},
        values={"--columns": "-,source,target"},
        status=0,
    ),
    *training(
        "x.tsv",
        tsv((s, s, t) for s, t in LEXICON),
        "choose the columns of source and target with --columns",
        "--columns source,target,-",
        values={"--columns": "source,-,target"},
    ),
    *training("x.tsv", tsv(LEXICON), "choose --target-symbols characters if they are plain text"),
    *training(
        "x.tsv",
        TAGGED,
        "name their column, as in --columns source,target,features",
        "--columns source,target,- --tag-separator ';'",
        status=2,
    ),
]
"""Damaged files, and settings that do not fit a file."""


def tags(file, content, says, options="", *, model):
    """Return one case for each command that reads pairs for a model."""
    commands = (
        f"evaluate {model} {file}",
        f"compare {model} second-{model} {file}",
        f"score {model} {file}",
        f"combine {model} second-{model} --dev {file} --out out",
        f"train {file} --from {model} --epochs 1 --out out",
    )
    return [Case(f"{command} {options}", says, {file: content}) for command in commands]


NAME_FEATURES = "name their column, as in --columns source,target,features"
JSON_TAGGED = "".join(f'{{"source": "{a}", "target": "{a}s", "features": "V"}}\n' for a in "abc")
FEATURES = [
    *tags("x.tsv", TAGGED, NAME_FEATURES, "--columns source,target,-", model="tagged"),
    *tags("x.csv", "source,target,features\na,as,V\nb,bs,V\n", NAME_FEATURES, model="tagged"),
    *tags("x.jsonl", JSON_TAGGED, NAME_FEATURES, model="tagged"),
    *(
        case
        for columns in ("source,target,features", "1,2,3")
        for case in tags(
            "x.tsv",
            TAGGED,
            "ignore their column, as in --columns source,target,-",
            f"--columns {columns}",
            model="model",
        )
    ),
    *tags(
        "x.jsonl",
        JSON_TAGGED,
        "ignore their column, as in --columns source,target,-",
        "--columns source,target,features",
        model="model",
    ),
]
"""Files with feature tags for models without them, and the reverse."""

PREDICTIONS = [
    Case(
        "predict model ab --abstain-below 90",
        "divide a percentage by 100",
        by_hand={"divide a percentage by 100": "predict model ab --abstain-below 0.9"},
    ),
    Case("predict model ab --nbest 3", "choose a wider --beam", values={"--beam": "3"}),
    Case("predict model ab --mass 0.9", "choose --beam 5 --nbest 5, for example"),
    Case("predict plain ab --unknown copy", "choose --unknown use, skip or error"),
    Case("predict book ab a!", "correct it, or skip such texts with --unknown skip"),
    Case("predict book ab abcdefghijkl", "correct it, or skip such texts with --unknown skip"),
    Case("predict model ab a! --unknown error", "correct it, or skip such texts with --unknown skip"),
    Case("predict book", "correct it, or skip such texts with --unknown skip", input=b"ab\n!\n"),
    Case("predict model abcabcabcabc", "predictions are often wrong there (see --abstain-outside)", status=0),
    Case("predict model", "name its encoding, as in --encoding latin-1", input="ab\né\n".encode("latin-1")),
    Case("predict model --encoding ascii", "choose another --encoding", {}, {"--encoding": "utf-8"}, input=b"\xc3\xa9"),
    Case("explain plain ab --by attention", "omit --by, or choose --by saliency"),
    Case("explain model ab --picture none/a.svg", "choose another --picture", values={"--picture": "a.svg"}),
    Case("score model words.tsv --folds 3", "omit --folds"),
    Case(
        f"train words.tsv {SMALL} --architecture other --out out",
        "choose one of these",
        by_hand={"choose one of these": "train words.tsv --architecture transducer --out out"},
    ),
    Case("score model words.tsv --suspicious --folds 50", "give more pairs or fewer --folds", values={"--folds": "2"}),
    Case(
        "next model pool.txt",
        "name the pairs that the model was trained on, as in --labelled FILE",
        {"pool.txt": "abc\nxa\n"},
        {"--labelled": "words.tsv"},
        status=0,
    ),
    Case("evaluate model words.tsv --errors none/e", "choose another --errors", values={"--errors": "e.tsv"}),
    Case(
        "compare model second-model words.tsv --html none/r.html",
        "choose another --html",
        values={"--html": "r.html"},
    ),
    Case(
        "compare model second-model words.tsv --differences none/d.tsv",
        "choose another --differences",
        values={"--differences": "d.tsv"},
    ),
    Case(
        "compare model second-model words.tsv --html r --differences r",
        "--html and --differences name the same file; choose two files",
        values={"--html": "r.html", "--differences": "d.tsv"},
    ),
]
"""Options of commands that use a model."""

RUNS = [
    Case(
        f"train x.tsv {SMALL} --out out",
        "give more pairs, or train without a validation set (--dev none)",
        {"x.tsv": "a\tb\n"},
        by_hand={"give more pairs": {"x.tsv": WORDS}},
    ),
    Case(f"train words.tsv {SMALL} --out model", "replace it with --force, or choose another --out", values=OTHER),
    Case("combine model second-model --out plain", "replace it with --force, or choose another --out", values=OTHER),
    Case(f"train words.tsv {SMALL} --out words.tsv", "choose another --out", values=OTHER),
    Case(f"train words.tsv {SMALL} --out mine", "choose another --out", {"mine/x": ""}, OTHER),
    Case(
        "combine model plain --fit-weights --out out",
        "give one with --dev FILE",
        {"words.tsv": WORDS},
        {"--dev": "words.tsv"},
    ),
    Case("combine model second-model --out mine", "choose another --out", {"mine/x": ""}, OTHER),
    Case(f"train words.tsv {SMALL} --out m", "choose another --out", {"m/checkpoint/x": ""}, OTHER),
    Case("train words.tsv --from model --epochs 1 --ensemble 2 --out m", "omit --ensemble", values=OTHER),
    Case("train words.tsv --from book --epochs 1 --unknown-rate 0.2 --out m", "omit --unknown-rate", values=OTHER),
]
"""Training runs and their folders."""

CASES = [*FILES, *AUDIT, *FEATURES, *PREDICTIONS, *RUNS]
