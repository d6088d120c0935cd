"""etcd: keys, revisions and values. One store, later three Raft members behind the same KV interface."""
