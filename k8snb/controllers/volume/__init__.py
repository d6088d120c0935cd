"""Storage in the control plane: claims find volumes, and neither goes while it is in use.

binder         the loop that binds them to each other
attach_detach  bound volumes follow the pods from node to node
ephemeral      claims that live as long as one pod
protection     the finalizers that hold back what is in use
"""
