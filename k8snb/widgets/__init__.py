"""The Python half of the front ends: one widget a view, its state in traits, its changes as patches.

The browser half is ``widgets/`` at the top of the repository: plain ES modules, no build step, no network.
"""
