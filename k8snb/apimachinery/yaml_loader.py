"""The parser that goes as deep as Go's does, in time that grows with the text, and says what libyaml says.

libyaml refuses to nest deeper than 1,000; PyYAML's own parser does not, but looks at every open bracket again at each token. Of
these brackets only the oldest needs to be looked at: a later one stands further on in the text, so it cannot be out of date
before.

Models: yaml_parser_stale_simple_keys and the words of parserc.go and scannerc.go (goyaml.v2, a port of libyaml).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

OPENED = ("while parsing a flow sequence", "while parsing a flow mapping", "while scanning a quoted scalar", "while scanning a simple key",
          "while scanning an alias", "while scanning an anchor")  # fmt: skip
"""What was being read when something that had been opened was never closed; or when a sign began what could not go on."""

_EXPECTED = re.compile(r"expected (.*), but (?:found|got) .*")
_BLOCK_END = {"while parsing a block mapping": "key", "while parsing a block collection": "'-' indicator"}


def in_words_of_libyaml(problem: str, context: str | None) -> str:
    """A problem in PyYAML's words, as libyaml and Go say it; what they say alike stays as it is."""
    expected = _EXPECTED.fullmatch(problem)
    if not expected:
        return problem
    what = expected[1].replace("the node content", "node content")
    return f"did not find expected {_BLOCK_END.get(context or '', what) if what == '<block end>' else what}"


class DeepLoader(yaml.Loader):
    """PyYAML's parser, which looks at the oldest of its possible keys alone."""

    possible_simple_keys: dict[int, Any]  # by depth, so the oldest is the first

    def next_possible_simple_key(self) -> int | None:
        """The number of the token at which the oldest possible key begins."""
        return next((key.token_number for key in self.possible_simple_keys.values()), None)

    def stale_possible_simple_keys(self) -> None:
        """Forget possible keys that are no longer in this line, or too long for a key."""
        keys = self.possible_simple_keys
        while keys and self._stale(keys[oldest := next(iter(keys))]):
            key = keys.pop(oldest)
            if key.required:
                raise yaml.scanner.ScannerError("while scanning a simple key", key.mark, "could not find expected ':'", self.get_mark())

    def _stale(self, key: Any) -> bool:
        return bool(key.line != self.line or self.index - key.index > 1024)
