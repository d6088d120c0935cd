"""HorizontalPodAutoscaler: as many replicas as a metric asks for, not too few, not too many, not too suddenly.

behavior    how a wanted number is calmed down: stabilisation windows, rates, limits
calculator  from what pods use to how many there should be
metrics     where numbers come from, and the sentences where they do not come
controller  the loop
"""
