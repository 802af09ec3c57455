"""`python -m kijitsu`: the same as the `kijitsu` command."""

from kijitsu.cli import main

if __name__ == "__main__":
    main()
