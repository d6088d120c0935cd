"""ReplicaSets in trouble: pods that are lost and released while the number changes."""

from tests.controllers.replicaset.words import counted
from tests.controllers.stories import replicaset

SCENARIOS = counted(loop="replicaset", key="replicasets.apps", made=replicaset(3))
