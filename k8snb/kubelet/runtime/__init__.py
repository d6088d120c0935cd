"""The two container runtimes: :mod:`.faithful`, in which containers live, and :mod:`.hollow`, which only says so."""
