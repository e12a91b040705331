"""`python -m lowcomplex` is the same as `lowcomplex`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from lowcomplex.cli import app

    app()


if __name__ == "__main__":
    main()
