"""Endpoints in trouble: in the end they are the ready pods, whatever was missed."""

from tests.controllers.endpointslice.words import followed

SCENARIOS = followed(loop="endpoint", key="endpoints")
