"""`python -m lowcomplex` is the same as `lowcomplex`."""

from __future__ import annotations

from lowcomplex._endings import ending_in_words


@ending_in_words
def main() -> None:
    """Run the command line."""
    from lowcomplex.cli import app

    app()


if __name__ == "__main__":
    main()
