"""Judges a value that stands where a secret would stand: a real one, a placeholder, or a piece of code."""

import re
from collections import Counter
from itertools import pairwise

from codereview.domain.secret_patterns import entropy

_SHORTEST_PASSWORD = 6
_SHORTEST_TOKEN = 12
_LONGEST = 512

# Pairs of letters that English words are made of; a third of all pairs, nine tenths of those in text.
_PAIR_LETTERS = (
    "thheineranreonatenndtiesorteofedisitalarsttontngsehaasouiolevecomedehiriroicneearacelichllbemasiomur"
    "caeltalansdifohopeecprnoctusacotiltrlyncetutsssorsunlowageiewheewiemadolrtpowenaulnitsmoowpaimmiaish"
    "irsuidosiviaamficivipligtuevldrympfeblabghtyopwosaayexkefrooavagifapgrodbosprddoucbueiovbyrmepttocfa"
    "efcurnscgidayocrcldugaquueffbaeylsvaumppuauplugohtruugdsltpircrregauckewmubrbiptakpuuirgibtlnykirkob"
    "mmfuphogmsyeudmbipuboirlgudrccftafhueookmyksrvpyytypdbsqwsgyxmhtjswnps"
)
_PAIRS = frozenset(_PAIR_LETTERS[at : at + 2] for at in range(0, len(_PAIR_LETTERS), 2))
_WORD_SHARE = 0.7
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|mock|placeholder|change[-_ ]?(?:me|this|it)|replace|your|insert|redacted|removed|hidden"
    r"|masked|fixme|todo|default|undefined|\bnull\b|\bnone\b|\bnil\b|foo|bar\b|baz|qux|lorem|xxx|\*\*\*|\.\.\.|…|•|---|___"
    r"|secret|passw|passphrase|passwd|pwd|token|credential|api[-_]?key|apikey|access[-_]?key|private[-_]?key|\bkey\b|username"
    r"|\btest|test\b|testing|1234|abcd|qwert|asdf|aaaa|0000|1111|deadbeef|cafebabe",
    re.IGNORECASE,
)
# Interpolation, calls, references, templates, globs, regular expressions, format strings.
_CODE = re.compile(
    r"\$[\w{(]|\{\{|\}\}|\{[\w.:]*\}|<[^>]*>|%[sdr({]|%\w+%|#\{|@\{|\\[dwsbnt]|\[\^|\(\?|^\$|^[@&*!]\w+$"
    r"|^\(.*\);?$|\w\(\)|\w\([^)]*\)$|^\w+\[|=>|==|::|&&|\|\|"
)
_LOCATION = re.compile(
    r"^(?:\w+:)?//|^\.{0,2}/[a-z_.-]+(?:/|$)|^~/|^[a-zA-Z]:\\|^arn:|^[a-z_-]+(?:/[a-z_.-]+)+$"
    r"|^[\w-]+(?:\.[\w-]+)*\.(?:pem|key|crt|json|ya?ml|txt|env|py|js|ts|go|java|html?|com|org|net|io|local)$"
)
# snake_case, kebab-case, dotted.names, Word Word: what people call things.
_NAME = re.compile(r"^[A-Za-z]+\d?(?:[._:/ -][A-Za-z]+\d?)+$|^_+\w*$|^[a-z]+(?:[A-Z][a-z]+)+\d?$|^(?:[A-Z][a-z]+){2,}$")
_UUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_HEX = re.compile(r"^(?:0x)?[0-9a-f]+$", re.IGNORECASE)
_TOKEN = re.compile(r"^[\w+/.~!@#$%^&*:-]+={0,2}$")
_LETTERS_ONLY = 20  # characters of a token without digits; shorter ones are mostly names
_LEAST_HEX_ENTROPY = 2.6  # bits a character; random hex of 32 characters has about 3.6
_LEAST_ENTROPY = 3.1  # random base-64 of 20 characters has about 4.1


def is_placeholder(value: str) -> bool:
    """Tell what stands for a secret from what is one: names of the thing, hints, masks, keyboard rows, repetitions."""
    return bool(_PLACEHOLDER.search(value)) or len(set(value)) <= max(2, len(value) // 8) or _is_run(value)


def is_code(value: str) -> bool:
    """Tell values that are put together or looked up elsewhere, and names of places, from literal ones."""
    return bool(_CODE.search(value) or _LOCATION.search(value))


def is_wordlike(value: str) -> bool:
    """Tell words, also joined ones, from random characters, by the pairs of their letters."""
    if _NAME.match(value) and not any(_is_random(word) for word in _WORD.findall(value)):
        return True
    letters = sum(len(word) for word in _WORD.findall(value) if not _is_random(word))
    return letters >= 0.6 * len(value)  # more of the value is words than is not


def is_hex(value: str) -> bool:
    """Tell hexadecimal numbers."""
    return bool(_HEX.match(value))


def is_password(value: str) -> bool:
    """Judge a literal value that is assigned to a password: people choose those, so that little is asked of it."""
    if not _SHORTEST_PASSWORD <= len(value) <= _LONGEST or any(character.isspace() for character in value):
        return False
    if is_placeholder(value) or is_code(value) or _NAME.match(value) or not value.isprintable():
        return False
    has_letter = any(character.isalpha() for character in value)
    if not has_letter:
        return False
    if value.isalpha():
        return not is_wordlike(value)
    return True


def is_token(value: str) -> bool:
    """Judge a literal value that is assigned to a token, key or secret: machines make those, at random."""
    if not _SHORTEST_TOKEN <= len(value) <= _LONGEST or not _TOKEN.match(value):
        return False
    if is_placeholder(value) or is_code(value) or is_wordlike(value):
        return False
    if _UUID.match(value):
        return True
    if _HEX.match(value):
        return len(value) >= 16 and entropy(value) >= _LEAST_HEX_ENTROPY  # noqa: PLR2004 - 64 bits: shorter is an id
    has_digit = any(character.isdigit() for character in value)
    is_mixed = not value.isupper() and not value.islower()
    return (has_digit or (is_mixed and len(value) >= _LETTERS_ONLY)) and entropy(value) >= _LEAST_ENTROPY


def is_strong_token(value: str) -> bool:
    """Judge a value whose name says little (`key`), or that stands where made-up ones are usual: plainly random."""
    if not is_token(value) or _UUID.match(value):
        return False
    if _HEX.match(value):
        return len(value) >= 32  # noqa: PLR2004 - 128 bits
    kinds = (str.islower, str.isupper, str.isdigit)
    return (
        len(value) >= 16  # noqa: PLR2004 - about 96 bits in base 64
        and all(any(map(kind, value)) for kind in kinds)
        and entropy(value) >= 3.5  # noqa: PLR2004 - 16 random ones have about 3.8
    )


def _is_random(word: str) -> bool:
    pairs = [word[at : at + 2].lower() for at in range(len(word) - 1)]
    return sum(pair in _PAIRS for pair in pairs) < _WORD_SHARE * len(pairs)


def _is_run(value: str) -> bool:
    """Tell 23456789 and hgfedcba: mostly steps of one."""
    steps = Counter(ord(right) - ord(left) for left, right in pairwise(value))
    return max(steps[1], steps[-1], steps[0]) > 0.6 * len(value)
