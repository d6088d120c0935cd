"""Encryption at rest: what etcd holds for a Secret is ciphertext, and only the API server has the key.

    apiVersion: apiserver.config.k8s.io/v1          etcd:  k8s:enc:aescbc:v1:key1:Wm9v...
    kind: EncryptionConfiguration                           ^ provider    ^ key   ^ IV and ciphertext
    resources:
    - resources: [secrets]
      providers: [aescbc: {keys: [{name: key1, ...}]}, identity: {}]

Who can read etcd's disk, or a backup of it, learns nothing; who may ``get secrets`` at the API server reads them as before. What was
written before there was a key stays readable until it is written again: the provider ``identity`` reads it, and it counts as stale.

The cipher is real (AES-256 in CBC mode with PKCS#7 padding, as the provider ``aescbc`` has it). Simulated: the key comes from the
cluster's seed and the initial vectors from a named stream, so that every run is the same; a real key is random and rotated.
What was written is base64 text here and bytes in a real etcd. Models: k8s.io/apiserver/pkg/storage/value/encrypt/aes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final

from k8snb.apimachinery.objects import freeze
from k8snb.apiserver.storage import stamped
from k8snb.etcd.store import Change, KeyValue, Store

PREFIX: Final = "k8s:enc:aescbc:v1:key1:"
KEYS: Final = ("/registry/secrets/",)
STREAM: Final = "kube-apiserver/encryption"
BLOCK: Final = 16
_REMEMBERED: Final = 4_096  # opened values; a pure function of the ciphertext


def encrypt(key: bytes, vector: bytes, plain: bytes) -> str:
    """The text that etcd holds: prefix, then base64 of the initial vector and the ciphertext."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    padding = BLOCK - len(plain) % BLOCK
    engine = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    sealed = engine.update(plain + bytes([padding]) * padding) + engine.finalize()
    return PREFIX + base64.b64encode(vector + sealed).decode()


def decrypt(key: bytes, text: str) -> bytes:
    """The inverse of :func:`encrypt`."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    raw = base64.b64decode(text.removeprefix(PREFIX))
    engine = Cipher(algorithms.AES(key), modes.CBC(raw[:BLOCK])).decryptor()
    plain = engine.update(raw[BLOCK:]) + engine.finalize()
    return plain[: -plain[-1]]


class EncryptedStore(Store):
    """A store as the API server sees it: objects here, ciphertext in ``inner`` for the keys of :data:`KEYS`."""

    def __init__(self, inner: Store):
        super().__init__(inner.state, inner.kernel, inner.coalesce)
        self.inner, self._order = inner, inner._order  # one state, one list of its keys
        self._key = hashlib.sha256(f"{self.kernel.state.seed}/{STREAM}/key1".encode()).digest()
        self._opened: dict[str, Any] = {}
        inner.listeners.append(self._pass_on)

    def _seal(self, key: str, value: Any) -> Any:
        if value is None or not key.startswith(KEYS):
            return value
        vector = self.kernel.rng(STREAM).below(1 << 128).to_bytes(BLOCK, "big")
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return encrypt(self._key, vector, plain)

    def _open(self, value: Any, revision: int = 0) -> Any:
        if not isinstance(value, str) or not value.startswith(PREFIX):
            return value
        if value not in self._opened:
            if len(self._opened) >= _REMEMBERED:
                self._opened.clear()
            self._opened[value] = freeze(json.loads(decrypt(self._key, value)))
        found = self._opened[value]
        return stamped(found, revision) if revision else found

    def _open_held(self, held: KeyValue) -> KeyValue:
        return held._replace(value=self._open(held.value, held.mod_revision)) if isinstance(held.value, str) else held

    def _open_change(self, change: Change) -> Change:
        if not isinstance(change.value or change.previous, str):
            return change
        return change._replace(value=self._open(change.value, change.revision), previous=self._open(change.previous))

    def _pass_on(self, change: Change) -> None:
        opened = self._open_change(change)
        for listener in self.listeners:
            listener(opened)

    # ------------------------------------------------------------------ the store, opened

    def get(self, key: str) -> KeyValue | None:
        """The key's current value, decrypted, or None."""
        held = self.inner.get(key)
        return self._open_held(held) if held is not None else None

    def _range(self, prefix: str, start: str = "") -> list[tuple[str, KeyValue]]:
        return [(key, self._open_held(held)) for key, held in super()._range(prefix, start)]

    def _available(self) -> None:
        self.inner._available()

    def put(self, key: str, value: Any, *, expect: int | None = None, lease: int = 0) -> Change:
        """Write a key, encrypted where it must be."""
        return self._open_change(self.inner.put(key, self._seal(key, value), expect=expect, lease=lease))

    def delete(self, key: str, *, expect: int | None = None, value: Any = None) -> Change | None:
        """Remove a key; the last form that watches are told of is encrypted on its way, too."""
        change = self.inner.delete(key, expect=expect, value=self._seal(key, value))
        return self._open_change(change) if change is not None else None

    def changes_since(self, revision: int, prefix: str = "") -> list[Change]:
        """Every kept change after that revision, decrypted."""
        return [self._open_change(change) for change in self.inner.changes_since(revision, prefix)]

    def at(self, revision: int, prefix: str = "") -> dict[str, Any]:
        """Key to value at a past revision, decrypted."""
        return {key: self._open(value) for key, value in self.inner.at(revision, prefix).items()}

    def stale(self, key: str) -> bool:
        """Whether it should be ciphertext and was written before there was a key. (Upstream: a value of another provider is stale.)"""
        held = self.inner.get(key) if key.startswith(KEYS) else None
        return held is not None and not isinstance(held.value, str)

    def opened(self, change: Change) -> Change:
        """A change of the journal, decrypted."""
        return self._open_change(change)

    def compact(self, revision: int) -> None:
        """Forget, for watches and old reads, what was before ``revision``."""
        self.inner.compact(revision)
