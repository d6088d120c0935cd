"""Deployment: releases a new version by moving replicas from old ReplicaSets to a new one. Split by decision.

    revisions   which ReplicaSet is the new one, how it is made, what number it has
    scaling     proportional scaling, when spec.replicas changes in the middle of a rollout or while paused
    rollout     rolling update and Recreate: how many replicas each ReplicaSet should have next
    progress    status and conditions: Available, Progressing, ReplicaFailure
    controller  the loop that observes, asks the pure functions above, and acts

Models: pkg/controller/deployment.
"""
