"""Features by name, as people type them. Refuses a name that is not in the catalogue."""

from __future__ import annotations

from difflib import get_close_matches

from abi_engine.catalogue import BUILT_IN, Row, find
from abi_engine.core.errors import FeaturePlanned, NotFound
from abi_engine.core.text import safe


def known(name: str) -> Row:
    """The row of a feature that is built.

    Raises:
        NotFound: no feature has that name.
        FeaturePlanned: it is not built.
    """
    row = find(BUILT_IN, name)
    if row is None:
        near = get_close_matches(name, [one.name for one in BUILT_IN], n=1)
        way_out = "abi features list --all"
        hint = f"did you mean '{near[0]}'? ({way_out})" if near else way_out
        raise NotFound(f"no feature named '{safe(name)}'", hint=hint)
    if not row.built:
        message = f"the feature '{name}' is planned, not built"
        raise FeaturePlanned(message, hint="abi features list --all", feature=name)
    return row
