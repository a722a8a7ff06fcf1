"""`python -m course ...`: the command line (see `course.cli`)."""

from course.cli import main

if __name__ == "__main__":
    main()
