"""HorizontalPodAutoscaler: as many replicas as a metric asks for, not too few, not too many, not too suddenly.

behavior    how a wanted number is calmed down: stabilisation windows, rates, limits
metrics     where numbers come from; nothing serves them yet, and the sentences say so
controller  the loop
"""
