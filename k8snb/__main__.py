"""``python -m k8snb``: the command ``k8snb`` where no script of that name is on the path."""

import sys

from k8snb.cli import main

sys.exit(main())
