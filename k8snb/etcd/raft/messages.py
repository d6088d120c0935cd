"""What members say to each other: data, so that it can be delayed, lost, shown and saved.

    append           "before you put these, do you have entry 7 of term 2?"       answered with the last index in agreement
    heartbeat        "I lead term 2; entries up to 9 are committed"
    prevote, vote    "would you, do you, elect me for term 3? my log ends with entry 9 of term 2"
    snapshot         "you are so far behind that here is the whole store as of entry 9"

Models: go.etcd.io/raft/v3 raftpb/raft.proto (MsgApp, MsgHeartbeat, MsgPreVote, MsgVote, MsgSnap and their answers).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

APPEND: Final = "append"
HEARTBEAT: Final = "heartbeat"
PREVOTE: Final = "prevote"
VOTE: Final = "vote"
SNAPSHOT: Final = "snapshot"
ANSWER: Final = "-answer"
FROM_LEADER: Final = (APPEND, HEARTBEAT, SNAPSHOT)


class Message(NamedTuple):
    """One message. Which fields count depends on ``kind``; the others keep their defaults."""

    kind: str
    sender: str
    to: str
    term: int
    index: int = 0  # type: ignore[assignment]  # append: of the entry before; answers: up to where both agree; votes: of the candidate's last entry
    log_term: int = 0  # the term of that entry
    commit: int = 0
    reject: bool = False
    entries: tuple[Any, ...] = ()  # append: entries; snapshot: (revision, compacted, ((key, KeyValue), ...))
    hint: int = 0  # a refused append: where agreement may lie

    def __str__(self) -> str:
        return f"{self.sender} -> {self.to}  {self.kind} term {self.term}{self._detail()}"

    def _detail(self) -> str:
        if self.kind == APPEND:
            span = f"{self.index + 1}..{self.index + len(self.entries)}" if self.entries else "none"
            return f"  entries {span} after {self.index}/{self.log_term}  commit {self.commit}"
        if self.kind.endswith(ANSWER):
            return self._answer()
        return f"  commit {self.commit}" if self.kind == HEARTBEAT else f"  last {self.index}/{self.log_term}"

    def _answer(self) -> str:
        if self.kind == APPEND + ANSWER:
            return f"  rejected, agree at {self.hint}?" if self.reject else f"  up to {self.index}"
        if self.kind == HEARTBEAT + ANSWER:
            return ""
        return "  no" if self.reject else "  yes"
