"""``python -m luisy`` is ``luisy``."""

from luisy.cli import main

main()
