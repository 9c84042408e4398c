"""`python -m keras_fair`: the same as the command `keras-fair`."""

import sys

from keras_fair.cli import main

if __name__ == "__main__":
    sys.exit(main())
