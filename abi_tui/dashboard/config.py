"""Settings of the dashboard, under `[dashboard]`."""

from __future__ import annotations

from typing import Annotated

import msgspec


class DashboardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The dashboard.

    Attributes:
        theme: its name; empty takes one that suits the terminal.
        keys: other keys by the name of what they do, such as `pause = "p,space"`
            (a wrong name is answered with all of them).
        interval: seconds between reports.
        export_dir: where `e` writes; empty means the current directory.
        record_size: how many bytes a recording may take; then its older half goes.
    """

    theme: str = ""
    keys: dict[str, str] = {}
    interval: Annotated[float, msgspec.Meta(ge=0.2, le=60)] = 1.0
    export_dir: str = ""
    record_size: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 40)] = 256 << 20
