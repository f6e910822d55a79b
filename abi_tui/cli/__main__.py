"""`python -m abi_tui.cli` is `abi`."""

from abi_tui.cli.root import main

main()
