"""`python -m fastoffload`."""

from fastoffload.cli import main

if __name__ == "__main__":
    main()
