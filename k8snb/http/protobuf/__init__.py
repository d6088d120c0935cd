"""Bodies that arrive as protocol buffers: the clients that are written in Go send them so (kubectl's ``create`` commands, ``drain``)."""
