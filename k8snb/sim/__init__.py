"""Time and state. Knows nothing of Kubernetes: a clock, a heap of events, seeded streams, a trace, and state as a value."""
