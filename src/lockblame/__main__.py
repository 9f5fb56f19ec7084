"""`python -m lockblame`."""

import sys

from lockblame.cli import main

if __name__ == "__main__":
    sys.exit(main())
