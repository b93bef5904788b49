"""Sentences in texts for people, and how many words they have."""

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

MOST_WORDS = 25

GAP = "…"
"""Stands for a value that a message is filled in with; it counts as one word."""

ENDS = re.compile(rf"(?<=[.!?])[)\"']*(?=\s|{GAP}|$)")
BREAKS = re.compile(r"\n\s*\n|\n(?=\s*[-#|*] )")
"""Where a text starts anew without the end of a sentence: a paragraph, a heading, an item of a list."""


def sentences(text: str) -> Iterator[str]:
    """The sentences of plain text, Markdown or HTML. Tags that begin a new block end a sentence."""
    text = re.sub(r"<(?!/?(?:b|i|code|bdi|a|span)\b)[^>]*>", "\n\n", text)
    text = unescape(re.sub(r"<[^>]*>", "", text))
    for block in BREAKS.split(text):
        yield from filter(None, (" ".join(part.split()) for part in ENDS.split(block)))


def number_of_words(sentence: str) -> int:
    """What stands between spaces and is more than a sign."""
    return sum(re.search(rf"\w|{GAP}", word) is not None for word in sentence.split())


def too_long(text: str) -> list[str]:
    """The sentences of a text that have too many words."""
    return [sentence for sentence in sentences(text) if number_of_words(sentence) > MOST_WORDS]


def texts_in(source: Path) -> Iterator[str]:
    """Every text that a module can show or raise, with gaps for values: its strings without docstrings."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield re.sub(r"\{[^{}]*\}|%[sd]", GAP, node.value)


def texts_in_template(source: Path) -> Iterator[str]:
    """The text of a template with gaps for values, without its comments, and each text in a value."""
    template = re.sub(r"{#.*?#}", "", source.read_text(encoding="utf-8"), flags=re.DOTALL)
    yield re.sub(r"{%.*?%}", "", re.sub(r"{{.*?}}", GAP, template, flags=re.DOTALL), flags=re.DOTALL)
    for value in re.findall(r"{[{%].*?[}%]}", template, re.DOTALL):
        yield from re.findall(r"\"([^\"]*)\"", value)
