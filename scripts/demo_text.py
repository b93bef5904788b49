"""The text of the demo: what the shipped tasks ask, and what the demo models read to learn it.

What a task asks is kept out of what a model reads, where that makes sense: the test has pairs of subject and
verb, and words to repeat, that no training text has. The sums of two digits are only a hundred, and in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random

NOUNS = ["cat", "dog", "bird", "horse", "boy", "girl", "king", "queen", "friend", "doctor", "farmer", "nurse"]
VERBS = ["sleep", "run", "sing", "jump", "walk", "smile", "swim", "dance", "laugh", "wait", "speak", "work"]
PLACES = ["near", "behind", "beside"]
LETTERS = "abcdefgh"
WORD_LENGTHS = range(4, 7)
WORDS_ASKED_FOR = 100

Question = dict[str, object]
"""One line of a task's file."""


@dataclass(frozen=True)
class Example:
    """A text in two parts: a model is given the prompt and learns the answer."""

    prompt: str
    answer: str


def any_sum(random: Random) -> Example:
    """A sum of two digits: `7+8=15.`"""
    return _sum(random.randrange(10), random.randrange(10))


def small_sum(random: Random) -> Example:
    """A sum of two digits that is below ten, as 55 of the hundred are."""
    return _sum(*random.choice([(a, b) for a, b in product(range(10), repeat=2) if a + b < 10]))


def sentence(random: Random) -> Example:
    """A verb that agrees with its subject, not with the noun beside it: `The dogs near the cat sleep.`"""
    noun, verb = random.choice([pair for pair in product(NOUNS, VERBS) if not _only_asked(*pair)])
    plural, other_plural = random.random() < 0.5, random.random() < 0.5
    return Example(_subject(random, noun, plural, other_plural), " " + _verb(verb, plural))


def repetition(random: Random) -> Example:
    """A word and the same word again."""
    word = _word(random)
    while word in words_asked_for():
        word = _word(random)
    return Example(f"Repeat: {word}\n", f"{word}\n")


def addition_questions() -> list[Question]:
    """All hundred sums; the place of the answer among the choices `0.` to `18.` is the sum."""
    return [{"question": _sum(a, b).prompt, "answer": a + b} for a, b in product(range(10), repeat=2)]


def agreement_questions() -> list[Question]:
    """Each pair of subject and verb that is only asked, in either number, beside a noun of either number.

    The right choice is the first one as often as the second.
    """
    random = Random("agreement")
    either = [False, True]
    cases = [case for case in product(NOUNS, VERBS, either, either) if _only_asked(*case[:2])]
    random.shuffle(cases)
    questions: list[Question] = []
    for number, (noun, verb, plural, other_plural) in enumerate(cases):
        answer = number % 2
        choices = [_verb(verb, plural == (place == answer)) for place in range(2)]
        text = _subject(random, noun, plural, other_plural)
        questions.append({"sentence": text, "choices": choices, "answer": answer})
    return questions


def copy_questions() -> list[Question]:
    """Words to repeat."""
    return [{"word": word} for word in sorted(words_asked_for())]


@cache
def words_asked_for() -> frozenset[str]:
    """The words that are in no training text."""
    random = Random("copy")
    words: set[str] = set()
    while len(words) < WORDS_ASKED_FOR:
        words.add(_word(random))
    return frozenset(words)


def _only_asked(noun: str, verb: str) -> bool:
    """Whether this pair is in the test only, as a quarter of them is: three of each noun and of each verb."""
    return (NOUNS.index(noun) + VERBS.index(verb)) % 4 == 0


def _sum(a: int, b: int) -> Example:
    return Example(f"{a}+{b}=", f"{a + b}.")


def _subject(random: Random, noun: str, plural: bool, other_plural: bool) -> str:
    other = random.choice([name for name in NOUNS if name != noun])
    return f"The {_noun(noun, plural)} {random.choice(PLACES)} the {_noun(other, other_plural)}"


def _noun(noun: str, plural: bool) -> str:
    return f"{noun}s" if plural else noun


def _verb(verb: str, plural: bool) -> str:
    # The full stop keeps one choice from being the beginning of the other.
    return f"{verb}." if plural else f"{verb}s."


def _word(random: Random) -> str:
    return "".join(random.choices(LETTERS, k=random.choice(WORD_LENGTHS)))
