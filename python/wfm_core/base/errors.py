# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception whose text is meant for the person at the keyboard."""

LONGEST = 1500
"""Characters of a message. What it quotes comes from files of others, and may have any length."""
_END = 300


class WfmError(Exception):
    """Something the user can fix. The message is one sentence: value seen, value expected, the way out.

    Its text is one line of at most `LONGEST` characters, and all of them can be printed, whatever it quotes.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


def one_line(text: str) -> str:
    """`text` with line ends as spaces and other characters that are not printable as escapes, at most `LONGEST`."""
    text = _shortened(text)
    if text.isprintable():
        return text
    return _shortened("".join(map(_printable, " ".join(text.splitlines()))))


def _shortened(text: str) -> str:
    """A long text loses its middle: the way out is at the end."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - _END - 5]} ... {text[-_END:]}"


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
