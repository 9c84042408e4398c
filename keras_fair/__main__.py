"""`python -m keras_fair`: the same as the command `keras-fair`."""

from keras_fair.cli import process

if __name__ == "__main__":
    process()
