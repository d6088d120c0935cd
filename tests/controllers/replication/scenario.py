"""ReplicationControllers in trouble: pods that are lost and released while the number changes."""

from tests.controllers.replicaset.words import counted
from tests.controllers.stories import replication_controller

SCENARIOS = counted(loop="replication", key="replicationcontrollers", made=replication_controller(3))
