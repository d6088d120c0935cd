"""How long a command line may be: what Linux takes.

    one word      up to 128 KiB
    all of them   up to 2 MiB

Models: execve(2), MAX_ARG_STRLEN and a quarter of the usual stack of 8 MiB (fs/exec.c). Simplified: the environment does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_WORD = 128 << 10  # bytes, with the zero at its end
LONGEST = 2 << 20  # bytes, with a pointer for each word
TOO_LONG = "argument list too long"  # what libraries and shells call it
_POINTER, _WIDEST = 8, 4


def fits(words: Sequence[str]) -> bool:
    """Whether a program can be started with these words.

    >>> fits(["echo", "a" * 131071]), fits(["echo", "a" * 131072]), fits(["echo", *["a" * 100] * 30_000])
    (True, False, False)
    """
    if sum(map(len, words)) * _WIDEST + len(words) * (_POINTER + 1) < LONGEST_WORD:
        return True  # by far the most: no letter takes more bytes
    sizes = [len(word.encode(errors="surrogatepass")) + 1 for word in words]
    return max(sizes) <= LONGEST_WORD and sum(sizes) + len(sizes) * _POINTER <= LONGEST
