"""How fast, how large, and how both grow: ``python -m tests.benchmarks``."""
