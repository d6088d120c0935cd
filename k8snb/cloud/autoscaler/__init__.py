"""The cluster autoscaler: as many machines as the pods need, not more.

scale_up    pods that fit nowhere: which pool, and how many machines of it, would help them
scale_down  machines that are hardly used: could their pods go elsewhere, and may they
status      what it writes down for everybody
autoscaler  the loop
"""
