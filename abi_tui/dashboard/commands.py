"""What the keys do: acts on the engine, help, palette, theme, export, clipboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from textual.widget import Widget

from abi_engine.core.errors import AbiError
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import Match, RouteStats, TestAnswer, UpstreamStats
from abi_engine.runtime.breaker import BreakerState
from abi_tui.dashboard import acts, export
from abi_tui.dashboard.acts import Act
from abi_tui.dashboard.keys import EVERYWHERE, PLAY, Key
from abi_tui.dashboard.moment import State
from abi_tui.dashboard.paint import Ink, Line, Span, pad, wrap
from abi_tui.dashboard.palette_entries import commands, entries, settings
from abi_tui.dashboard.playback import Playback
from abi_tui.dashboard.screens.detail import DetailPage
from abi_tui.dashboard.screens.features import FeaturesPane
from abi_tui.dashboard.screens.lists import LimitsPane
from abi_tui.dashboard.screens.modal import AskScreen, ExportScreen, HelpScreen, PromptScreen
from abi_tui.dashboard.screens.palette import Entry, PaletteScreen
from abi_tui.dashboard.screens.request import METHODS, Request, RequestScreen, sample_path
from abi_tui.dashboard.themes import BY_NAME, PALETTES
from abi_tui.dashboard.widgets.breakers import BreakersPane
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.dashboard.widgets.routes import RoutesPane
from abi_tui.dashboard.widgets.table import ListPane
from abi_tui.dashboard.widgets.text import command_lines, detail_lines, prose, same_as_lines
from abi_tui.views.detail import Detail
from abi_tui.views.gateway_details import answer_detail, decision_detail, match_detail
from abi_tui.views.table import Tone

RECORDING = "this is a recording: nothing can be done to it"
READ_ONLY = "this dashboard is read-only: it was opened with --read-only"


class Commands(Playback):
    """What the keys do."""

    _commands: tuple[Entry, ...] = ()

    def perform(self, act: Act) -> None:
        """Do it; ask first where it is dangerous, and refuse where nothing may be changed."""
        if self._refuses():
            return
        if act.question:
            self._ask_first(act)
        else:
            self._do(act)

    def _refuses(self) -> bool:
        """Whether nothing may be done to the engine now; says why."""
        why = ""
        if self.settings.recording:
            why = RECORDING
        elif self.settings.read_only:
            why = READ_ONLY
        elif self.state in (State.PAUSED, State.REPLAY):
            why = f"not now: this is not the present; {self.key_for('live')} goes back to it"
        elif self.state is not State.LIVE:
            why = "not now: no engine answers"
        if why:
            self.say(why, Tone.WARN)
        return bool(why)

    def _ask_first(self, act: Act) -> None:
        def answer(yes: bool | None) -> None:
            if yes:
                self._do(act)

        def lines(width: int) -> list[Line]:
            command = same_as_lines(act.same_as, max(width - 2, 1))
            return [*prose([act.question], width), (), *command]

        self.push_screen(AskScreen(act.title, lines), answer)

    def _do(self, act: Act) -> None:
        self.feed.ask(act.call, lambda _: self.say(act.done))

    def action_reset_breaker(self) -> None:
        """Close the chosen breaker."""
        self._on_upstream(acts.reset_breaker)

    def action_force_open(self) -> None:
        """Hold the chosen breaker open."""
        self._on_upstream(lambda name: acts.force_breaker(name, BreakerState.OPEN))

    def action_force_closed(self) -> None:
        """Hold the chosen breaker closed."""
        self._on_upstream(lambda name: acts.force_breaker(name, BreakerState.CLOSED))

    def action_release_breaker(self) -> None:
        """Let the chosen breaker go, if a person holds it."""
        upstream = self._upstream()
        if upstream is None or self._refuses():
            return
        if upstream.breaker.forced:
            self.perform(acts.release_breaker(upstream.upstream))
        else:
            self.say(f"nobody holds the breaker of {safe(upstream.upstream)}")

    def _on_upstream(self, act: Callable[[str], Act]) -> None:
        upstream = self._upstream()
        if upstream is not None:
            self.perform(act(upstream.upstream))

    def _upstream(self) -> UpstreamStats | None:
        """The one that the keys are about: chosen in a list, or that of the page."""
        pane, page = self.focused, self.page
        if isinstance(pane, BreakersPane):
            return pane.upstream
        return page.breakers.upstream if isinstance(page, DetailPage) else None

    def _route(self) -> RouteStats | None:
        """The one that the keys are about: chosen in a list, or that of the page."""
        pane, page = self.focused, self.page
        if isinstance(pane, RoutesPane):
            return pane.route
        return page.stats if isinstance(page, DetailPage) else None

    def action_switch_route(self) -> None:
        """Switch the chosen route off or on."""
        route = self._route()
        if route is not None:
            self.perform(acts.switch_route(route))

    def action_switch_feature(self) -> None:
        """Switch the chosen feature off or on."""
        pane = self.focused
        if not isinstance(pane, FeaturesPane) or pane.feature is None:
            return
        if pane.feature.built:
            self.perform(acts.switch_feature(pane.feature))
        else:
            self.say(f"{safe(pane.feature.name)} is planned, not built", Tone.WARN)

    def action_test_route(self) -> None:
        """Ask for a method and a path, and send that request through the gateway."""
        route = self._route()
        if route is None or self._refuses():
            return

        def send(request: Request | None) -> None:
            if request is not None:
                self._send(request.path, request.method)

        self.push_screen(RequestScreen(route.methods or METHODS, sample_path(route.path)), send)

    def _send(self, path: str, method: str) -> None:
        self.say(f"{method} {safe(path)} …")

        def show(answer: TestAnswer) -> None:
            self.say(f"answered {answer.status}")
            self._read(answer_detail(answer, path, method))

        self.feed.ask(lambda engine: engine.gateway.send_test_request(path, method), show)

    def action_check_limit(self) -> None:
        """Ask for a client, and count a request of it."""
        pane = self.focused
        if not isinstance(pane, LimitsPane) or pane.limit is None or self._refuses():
            return
        path = pane.limit.path

        def ask(client: str | None) -> None:
            if client:
                self.feed.ask(
                    lambda engine: engine.gateway.check_rate_limit(path, client),
                    lambda found: self._read(decision_detail(found, path, client)),
                )

        self.push_screen(PromptScreen(f"count a request of which client on {safe(path)}", ""), ask)

    def _read(self, detail: Detail) -> None:
        def lines(width: int) -> list[Line]:
            return [*detail_lines(detail, width), *command_lines(detail, width)]

        self.push_screen(HelpScreen(detail.title, lines))

    def action_match_route(self) -> None:
        """Ask for a path, and say which route it would take."""

        def ask(typed: str | None) -> None:
            if typed:
                self.feed.ask(lambda engine: engine.gateway.match_route(typed), show(typed))

        def show(path: str) -> Callable[[Match | None], None]:
            def then(match: Match | None) -> None:
                if match is None:
                    self.say(f"no route for GET {safe(path)}: it would be answered 404")
                    return
                self._read(match_detail(match, path, "GET"))

            return then

        self.push_screen(PromptScreen("match which path", "/"), ask)

    def action_help(self) -> None:
        """What is in focus, and its keys."""
        pane = self.focused
        title = pane.title() if isinstance(pane, Pane) else "abi"
        self.push_screen(HelpScreen(f"help: {title}", partial(self._help, pane)))

    def _help(self, pane: Widget | None, width: int) -> list[Line]:
        own: Sequence[Key] = self.page.own_keys() if self.page is not None else ()
        lines = self._about(pane, width) if isinstance(pane, Pane) else []
        played = (("of a recording", PLAY),) if self.settings.recording else ()
        for title, keys in (("here", own), *played, ("everywhere", EVERYWHERE)):
            lines += [(Span(f" {title}", Ink.STRONG),), *self._key_lines(keys, width), ()]
        return lines[:-1]

    def _about(self, pane: Pane, width: int) -> list[Line]:
        lines = prose([pane.help_text], width) if pane.help_text else []
        lines += same_as_lines(pane.command(), max(width - 2, 1)) if pane.same_as else []
        return [*lines, ()] if lines else []

    def _key_lines(self, keys: Sequence[Key], width: int) -> list[Line]:
        lines: list[Line] = []
        for key in keys:
            shown = Span(f"   {pad(self.shown_key(key), 6)} ", Ink.STRONG)
            first, *rest = wrap(key.help, max(width - 11, 1))
            lines.append((shown, Span(first, Ink.DIM)))
            lines += [(Span(" " * 10), Span(text, Ink.DIM)) for text in rest]
        return lines

    def show_row(self, pane: ListPane) -> None:
        """The chosen row of a list, nothing cut."""
        if pane.chosen is not None:
            self._read(pane.row_detail())

    def action_palette(self) -> None:
        """Everything by name; commands and settings come a moment later, the first time."""
        screen = PaletteScreen((*entries(self.moment), *self._commands))
        self.push_screen(screen, self._take)
        if not self._commands:

            def add(found: tuple[Entry, ...]) -> None:
                self._commands = found
                screen.add(found)

            self.feed.run(lambda: (*commands(), *settings()), add)

    async def _take(self, entry: Entry | None) -> None:
        if entry is None:
            return
        match entry.action:
            case "go":
                self.go(entry.argument)
            case "route":
                self.show_route(entry.argument)
            case "upstream":
                self.show_upstream(entry.argument)
            case "setting":
                self.show_setting(entry.argument)
            case "feature":
                self.show_feature(entry.argument)
            case "events":
                self.show_events(entry.argument)
            case "theme":
                self.set_palette(BY_NAME[entry.argument])
            case "copy":
                self._copy(entry.argument)
            case _:
                await self.run_action(entry.action)

    def action_next_theme(self) -> None:
        """The next theme."""
        index = (PALETTES.index(self.palette) + 1) % len(PALETTES)
        self.set_palette(PALETTES[index])
        self.say(
            f"theme {self.palette.name}: {self.palette.summary} ({index + 1} of {len(PALETTES)})"
        )

    def action_copy_command(self) -> None:
        """The command that prints what is in focus."""
        command = self.page.command() if self.page is not None else ""
        lists = ("abi gateway routes list", "abi gateway breakers list")
        past = self.replaying and not self.settings.recording
        if past and self.moment and command.startswith(lists):
            command += f" --at {self.moment.report.at:%Y-%m-%dT%H:%M:%SZ}"
        if command:
            self._copy(command)
        else:
            self.say("no command prints this")

    def _copy(self, command: str) -> None:
        self.copy_to_clipboard(command)
        self.say(f"copied: {command}")

    def action_export(self) -> None:
        """Ask how, and write."""
        self.push_screen(ExportScreen(), self._export)

    def _export(self, kind: export.Kind | None) -> None:
        page = self.page
        if kind is None or page is None:
            return
        pane = self.focused if isinstance(self.focused, ListPane) else None
        at = self.moment.report.at if self.moment else datetime.now(UTC)
        try:
            if kind is export.Kind.SVG:
                path = self._write(kind, page.crumb, at, self.export_screenshot(title="abi"))
            elif pane is None:
                self.say("choose a list first: json and csv are of lists", Tone.WARN)
                return
            else:
                text = export.text_of(kind, pane.table, pane.objects, at)
                path = self._write(kind, pane.table.name, at, text)
        except AbiError as error:
            self.say_error(error)
        else:
            self.say(f"written: {path}")

    def _write(self, kind: export.Kind, name: str, at: datetime, text: str) -> str:
        directory = self.settings.export_dir.expanduser().absolute()
        return safe(str(export.write(directory, name, kind, at, text)))
