"""``python -m deqmath`` is the command ``deqmath``."""

import sys

from deqmath.cli import main

if __name__ == "__main__":
    sys.exit(main())
