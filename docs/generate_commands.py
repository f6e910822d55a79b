"""Writes docs/commands.md from the commands themselves: `python docs/generate_commands.py`."""

from __future__ import annotations

from pathlib import Path

from abi_tui.cli import reference, root, tree

FILE = Path(__file__).with_name("commands.md")


def text() -> str:
    """What the file must hold."""
    return reference.markdown(tree.described_tree(root.root()))


if __name__ == "__main__":
    FILE.write_text(text())
    print(f"wrote {FILE}")
