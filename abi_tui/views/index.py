"""Every view: what builds it, the command that prints it, the screen that draws it.

Refuses a view that only one of them has, unless the other is planned: the tests of both read
this table.
"""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """A view.

    Attributes:
        name: as in its `Table` or `Detail`.
        builder: `module.function` under `abi_tui.views`.
        command: the words after `abi`.
        screen: the screen of the dashboard that shows it, itself or as a pane.
    """

    name: str
    builder: str
    command: str
    screen: str


VIEWS = (
    View("engine.overview", "overview.overview_table", "dashboard", "overview"),
    View("engine.status", "engine.status_detail", "status", "engine"),
    View("engine.features", "engine.features_table", "features list", "features"),
    View("engine.served", "engine.served_detail", "serve", "engine"),
    View("engine.events", "events.events_table", "events", "events"),
    View("engine.logs", "logs.logs_table", "logs", "logs"),
    View("engine.logs", "logs.log_detail", "logs", "logs"),
    View("gateway.routes", "gateway.routes_table", "gateway routes list", "gateway"),
    View("gateway.route", "gateway_details.route_detail", "gateway routes show", "gateway"),
    View("gateway.breakers", "gateway.breakers_table", "gateway breakers list", "gateway"),
    View("gateway.breaker", "gateway_details.breaker_detail", "gateway breakers show", "gateway"),
    View("gateway.limits", "gateway.limits_table", "gateway limits", "limits"),
    View("gateway.keys", "gateway_keys.keys_table", "gateway keys list", "keys"),
    View("gateway.workers", "gateway_workers.workers_table", "gateway workers", "workers"),
    View("gateway.stats", "gateway_details.stats_detail", "gateway stats", "engine"),
    View("gateway.check", "gateway_details.decision_detail", "gateway check", "limits"),
    View("gateway.match", "gateway_details.match_detail", "gateway match", "gateway"),
    View("gateway.test", "gateway_details.answer_detail", "gateway test", "gateway"),
    View("config.settings", "config.settings_table", "config show", "config"),
    View("config.setting", "config.setting_detail", "config get", "config"),
    View("config.environment", "config.environment_table", "config env", "config"),
    View("toolchain.status", "toolchain.tools_table", "toolchain status", "toolchain"),
    View("system.info", "toolchain.system_info_detail", "system-info", "toolchain"),
    View("plugins.list", "plugins.plugins_table", "plugins list", "plugins"),
)

AWAITING = (
    View("bench.list", "bench.suites_table", "bench list", "bench"),
    View("bench.gateway", "bench.results_table", "bench gateway", "bench"),
)
"""Those whose screen is planned."""
