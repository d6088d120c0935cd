"""Stories about learners' code begin alike, here and in tests/simulation."""

from tests.simulation.conftest import cluster

__all__ = ["cluster"]
