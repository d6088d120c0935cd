"""An IPython shell for tests: made, used, and given back, so that the next test starts with a clean one."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.interactiveshell import InteractiveShell


@contextmanager
def fresh_shell() -> Iterator[InteractiveShell]:
    """A shell of its own, without colours and without a history file."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="nocolor")
    history = shell.history_manager
    history.enabled = False
    try:
        yield shell
    finally:
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()
        history.db.close()  # Python 3.13 and newer tell of databases that nobody closed
        InteractiveShell.clear_instance()
