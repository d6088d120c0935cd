"""A certificate to practise with: made once for ``shop.example`` and ``*.shop.example``, signed by nobody but itself.

``files`` is what ``kubectl create secret tls`` reads. The key is public, because it stands here: it protects nothing.
"""

from __future__ import annotations

_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBrjCCAVSgAwIBAgIUfYMs5mnpQeS9TJ/Y4EBQ5Vss84IwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMCAXDTI2MTEyNjEyMDIzOFoYDzIxMjYx
MTAyMTIwMjM4WjAXMRUwEwYDVQQDDAxzaG9wLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASwnRW6VAy77WW8msNp64ZwdYhbgg7vJf2E9zsiJGirUjPw
SK7ehwLkmQCtYuT5AO+IjwjUVC0iFhgHWkwW96HAo3wwejAdBgNVHQ4EFgQUZUB+
VF5BiFsfzszN+YrK6fTqOH4wHwYDVR0jBBgwFoAUZUB+VF5BiFsfzszN+YrK6fTq
OH4wDwYDVR0TAQH/BAUwAwEB/zAnBgNVHREEIDAeggxzaG9wLmV4YW1wbGWCDiou
c2hvcC5leGFtcGxlMAoGCCqGSM49BAMCA0gAMEUCIFLbwZ8P2/gtGd0Uas1t1tN6
DQ+vpu5p/x70oIaOkHR/AiEA3pIoKWE8fRQ3lYx+uuSu3JAhrGf0BWkbem81qBfK
2xM=
-----END CERTIFICATE-----
"""
_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3FkAsU18Gqu1YFxO
o/qWKMP887BBc/9/li9aqsI2uIehRANCAASwnRW6VAy77WW8msNp64ZwdYhbgg7v
Jf2E9zsiJGirUjPwSK7ehwLkmQCtYuT5AO+IjwjUVC0iFhgHWkwW96HA
-----END PRIVATE KEY-----
"""

HOST = "shop.example"
files = {"tls.crt": _CERTIFICATE, "tls.key": _KEY}
