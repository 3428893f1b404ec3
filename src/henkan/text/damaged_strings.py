"""Checks of single strings. Each returns the positions of the damaged strings of a column.

A check must not report clean data. So most of them report only what few strings have, or what does not occur in lists
of words and their transcriptions (`Column.are_words`).
"""

from __future__ import annotations

import re
from collections import Counter

from henkan.text.sample import Column

FEW = 0.1
SOME = 0.3

NUMBERED = re.compile(r"(.*\S)\s?[(\[{]\d{1,2}[)\]}]")
DECIMAL = re.compile(r"(?<!\S)-?[0-9]+\.[0-9]+(?!\S)")
BRACKETED = re.compile(r"(?:^|[\w\s])[(\[{<][\w\s'-]{1,30}[)\]}>](?:$|[\w\s])")
ENCLOSED = re.compile(r"/[^/]+/|\[[^][]+\]")
COMMENT = re.compile(r"\s*(?:#\s|##|//|;;|%%|<!--)")
REMARK = re.compile(r"\s(?:#|//|;+|%%)\s*(?P<words>\S.*)")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
SENTENCE_MARKS = frozenset(".,;!?")
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
BACKSLASH = re.compile(r"\\.?")
ESCAPE = re.compile(r"\\(?:[tnr]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")
SPACES = re.compile(r"\S\s{2,}\S")
LAST = re.compile(r"[,;|]\s*$")
SEVERAL = re.compile(r"(?P<first>[^,;|/]*\w)\s?[,;|/]\s?(?P<second>\w[^,;|/]*)")
CONTINUATION = r"[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]"
MOJIBAKE = re.compile(rf"[\u00c2-\u00df]{CONTINUATION}|[\u00e0-\u00ef]{CONTINUATION}{{1,2}}")
C1_CONTROL = re.compile(r"[\u0080-\u009f]")
SUPERSCRIPTS = frozenset("\u00b2\u00b3\u00b9\u00b7")
PLACEHOLDERS = frozenset(
    ("n/a", "#n/a", "na", "nan", "<na>", "null", "none", "nil", "-", "--", "?", "??", "todo", "tbd", "missing")
)


def few(column: Column, positions: list[int], share: float = FEW) -> list[int]:
    """Return the positions if they are few, and none otherwise. Of a short file, three strings may be few."""
    rows = len(column.texts)
    return positions if len(positions) <= max(share * rows, min(3, rows // 3)) else []


def empty(column: Column) -> list[int]:
    """Empty strings."""
    return [position for position, text in enumerate(column.texts) if not text.strip()]


def in_brackets(column: Column) -> list[int]:
    """Variants, as in `TOMATO(1)` beside `TOMATO`, and other brackets in few words of a list."""
    known = set(column.texts)
    found = []
    for position in column.matches(BRACKETED):
        text = column.texts[position]
        numbered = NUMBERED.fullmatch(text)
        is_word = column.are_words and not ENCLOSED.fullmatch(text) and any(map(str.isalpha, text))
        if is_word or (numbered is not None and numbered[1] in known):
            found.append(position)
    variants = sum(NUMBERED.fullmatch(column.texts[position]) is not None for position in found)
    return found if 2 * variants > len(found) else few(column, found, SOME)


def decimals(column: Column) -> list[int]:
    """Targets with decimal numbers among separated symbols, such as probabilities before phones."""
    if column.tokenizer.separator is None or column.name == "source":
        return []
    found = column.matches(DECIMAL)
    numbers = sum(len(DECIMAL.findall(column.texts[position])) for position in found)
    symbols = sum(len(column.tokenizer.tokenize(column.texts[position])) for position in found)
    return found if 2 * numbers < symbols else []


def enclosed(column: Column) -> list[int]:
    """Strings in slashes or square brackets, if others have neither."""
    found = [position for position, text in enumerate(column.texts) if ENCLOSED.fullmatch(text)]
    having = sum("/" in text or "[" in text for text in column.texts)
    return found if len(found) == having < len(column.texts) else []


def comments(column: Column) -> list[int]:
    """Comment lines among the sources, and remarks after targets, most of whose words occur in no other target."""
    if column.name == "source":
        found = [position for position, text in enumerate(column.texts) if COMMENT.match(text)]
        return few(column, found, SOME if column.are_words else FEW)
    found, used = column.matches(REMARK), set[str]()
    if found and column.share(len(found)) <= SOME:
        remarked = set(found)
        for position, text in enumerate(column.texts):
            if position not in remarked:
                used.update(text.split())
    return few(column, [position for position in found if _is_remark(column.texts[position], used)], SOME)


def _is_remark(text: str, used: set[str]) -> bool:
    remark = REMARK.search(text)
    words = set() if remark is None else set(remark["words"].split())
    return 2 * len(words & used) < len(words)


def quoted(column: Column) -> list[int]:
    """Strings or separated symbols in quotation marks, as CSV writes them, unless the column has sentences."""
    separator = column.tokenizer.separator
    found = [
        position
        for position, text in enumerate(column.texts)
        if QUOTED.fullmatch(text) or (separator is not None and any(map(QUOTED.fullmatch, text.split(separator))))
    ]
    sentences = sum(not SENTENCE_MARKS.isdisjoint(text) for text in column.texts)
    return found if column.share(sentences) < 0.2 or column.share(len(found)) > 0.5 else []


def entities(column: Column) -> list[int]:
    """HTML entities in few strings."""
    return few(column, column.matches(ENTITY), SOME)


def replaced(column: Column) -> list[int]:
    """Replacement characters."""
    return [position for position, text in enumerate(column.texts) if "\ufffd" in text]


def mojibake(column: Column) -> list[int]:
    """UTF-8 that was decoded as Latin-1 or Windows-1252."""
    return [position for position, text in enumerate(column.texts) if _is_mojibake(text)]


def _is_mojibake(text: str) -> bool:
    if C1_CONTROL.search(text):
        return True
    for found in MOJIBAKE.finditer(text):
        part = found[0]
        if len(part) > 2 and SUPERSCRIPTS.issuperset(part[1:]):  # tones in phonetic alphabets
            continue
        for encoding in ("cp1252", "latin-1"):
            try:
                return part.encode(encoding).decode() != part
            except ValueError:
                continue
    return False


def escapes(column: Column) -> list[int]:
    """Escape sequences such as `\\t`, unless the column has other backslashes."""
    found = column.matches(BACKSLASH)
    others = (part for position in found for part in BACKSLASH.findall(ESCAPE.sub("", column.texts[position])))
    return few(column, found, SOME) if next(others, None) is None else []


def repeated_spaces(column: Column) -> list[int]:
    """Runs of whitespace, unless the tokenizer ignores them."""
    return [] if column.tokenizer.separator == " " else few(column, column.matches(SPACES), 0.5)


def last_separators(column: Column) -> list[int]:
    """A comma, semicolon or bar at the end of strings that have none elsewhere."""
    found = column.matches(LAST)
    inner = sum(any(mark in LAST.sub("", text) for mark in ",;|") for text in column.texts)
    return found if inner <= 0.02 * len(column.texts) else []


def listed_variants(column: Column) -> list[int]:
    """Several similar targets in one, as in `a b, a c`, in few targets of a list."""
    if column.name == "source" or not column.are_words:
        return []
    return few(column, [row for row in column.matches(SEVERAL) if _are_similar(column.texts[row])], SOME)


def _are_similar(text: str) -> bool:
    found = SEVERAL.fullmatch(text.strip("/[] "))
    if found is None or min(map(len, found.groups())) < 2:
        return False
    first, second = (set(part.replace(" ", "")) for part in found.groups())
    return 2 * len(first & second) >= len(first | second)


def placeholders(column: Column) -> list[int]:
    """The same word for a missing target in several rows."""
    if column.name == "source" or len(set(column.texts)) < 0.2 * len(column.texts):
        return []
    counts = Counter(text for text in column.texts if text.strip().lower() in PLACEHOLDERS)
    repeated = {text for text, count in counts.items() if count >= max(2, 0.005 * len(column.texts))}
    return [position for position, text in enumerate(column.texts) if text in repeated]
