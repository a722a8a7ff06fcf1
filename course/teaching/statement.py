"""A sentence that the notebook has just checked."""

from __future__ import annotations


def confirm(sentence: str, fact: object) -> None:
    """Print a sentence with the outcome of its check.

    Choose facts with a margin: trained numbers differ a little between processors, and
    what is printed here is compared when the notebook is tested.

    Args:
        sentence: what is claimed, as a statement.
        fact: what was computed; anything with a truth value.

    >>> confirm("two is less than three", 2 < 3)
    yes: two is less than three
    """
    print(f"{'yes' if fact else 'NO'}: {sentence}")
