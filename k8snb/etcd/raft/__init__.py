"""Raft: how several members keep one log, and so one store, although any minority of them may fail.

    log.py        entries, each with a term and an index       network.py   what is on its way, late, lost or cut off
    messages.py   what members say to each other, as data      group.py     members and network in virtual time
    machine.py    the keys that a member has applied           store.py     the KV interface of the API server over a group
    member.py     one member: elections, replication, commit
"""
