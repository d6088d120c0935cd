"""The only place that knows all the parts: wiring, configuration, faults, fork, history, scenarios."""
