"""The Kubernetes REST API on loopback: a thin adapter between HTTP and requests as data. For real kubectl and for scripts."""
