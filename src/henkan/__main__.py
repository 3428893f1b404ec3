"""`python -m henkan`."""

from henkan.cli import main

if __name__ == "__main__":
    main()
