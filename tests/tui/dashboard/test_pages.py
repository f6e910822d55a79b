"""Keys, focus, filter, order, places: what a person does with the screens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from abi_engine.core.errors import ConnectionLost
from abi_engine.features.gateway.api import RouteSort
from abi_tui.cli.commands.dashboard import SCREENS
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.journey import page_for
from abi_tui.dashboard.places import BY_LETTER, DIGITS, PLACES
from abi_tui.dashboard.screens.detail import DetailPage
from abi_tui.dashboard.screens.features import FeaturesPage, FeaturesPane
from abi_tui.dashboard.screens.gateway import GatewayPage
from abi_tui.dashboard.screens.overview import OverviewPage
from abi_tui.dashboard.widgets.breakers import BreakersPane
from abi_tui.dashboard.widgets.table import ListPane
from abi_tui.views.index import VIEWS
from abi_tui.views.window import matches
from tests.tui.dashboard.canned import CannedEngine, empty_report, gateway_report, paths, report
from tests.tui.dashboard.still import Still, screen_text, text_of

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def _list(shown: Still) -> ListPane:
    pane = shown.app.focused
    assert isinstance(pane, ListPane)
    return pane


def test_every_view_has_its_screen() -> None:
    for view in VIEWS:
        assert view.name in page_for(view.screen).views, view


def test_every_place_has_a_name_a_letter_and_can_be_asked_for() -> None:
    assert len(BY_LETTER) == len(PLACES)
    assert tuple(place.name for place in PLACES) == SCREENS


def test_the_overview_begins_with_the_list_in_focus(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert isinstance(shown.page, OverviewPage)
        assert shown.app.focused is shown.page.routes
        assert "LIVE 1 s" in shown.top
        assert "▲ 1 breaker open" in shown.top

    on_dashboard(test)


@pytest.mark.slow
@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_goes_to_its_place(on_dashboard: Run, digit: str) -> None:
    async def test(shown: Still) -> None:
        await shown.press(digit)
        assert shown.page.crumb == DIGITS[digit].name

    on_dashboard(test)


@pytest.mark.slow
@pytest.mark.parametrize("letter", BY_LETTER)
def test_g_and_a_letter_go_to_its_place(on_dashboard: Run, letter: str) -> None:
    async def test(shown: Still) -> None:
        await shown.press("g", letter)
        assert shown.page.crumb == BY_LETTER[letter].name
        assert shown.app.screen is shown.page

    on_dashboard(test)


def test_breadcrumbs_tell_the_way_and_escape_goes_back(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2", "enter")
        assert isinstance(shown.page, DetailPage)
        assert "abi › overview › gateway › /orders/list" in shown.top
        await shown.press("escape")
        assert isinstance(shown.page, GatewayPage)
        await shown.press("escape", "escape")
        assert isinstance(shown.page, OverviewPage)
        assert "q quits" in shown.foot

    on_dashboard(test, size=(160, 40))


def test_going_to_a_place_one_came_through_goes_back_to_it(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2", "g", "e", "2")
        assert shown.app.crumbs == ("overview", "gateway")

    on_dashboard(test)


def test_it_begins_on_the_screen_that_was_asked_for(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert shown.app.crumbs == ("overview", "logs")

    on_dashboard(test, settings=Settings(screen="logs"))


def test_arrows_and_letters_move_the_cursor(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        routes = _list(shown)
        keys = routes.table.keys
        for pressed, row in (
            ("j", 1), ("down", 2), ("k", 1), ("up", 0), ("up", 0), ("end", 23), ("down", 23),
            ("home", 0), ("pagedown", 21), ("pageup", 0),
        ):  # fmt: skip
            await shown.press(pressed)
            assert routes.chosen == keys[row], pressed

    on_dashboard(test)


def test_tab_and_letters_move_between_panes(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.press("tab")
        assert shown.app.focused is page.events
        await shown.press("l")
        assert shown.app.focused is page.routes
        await shown.press("h")
        assert shown.app.focused is page.events

    on_dashboard(test)


def test_what_the_plan_leaves_out_cannot_be_focused(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        for _ in range(4):
            await shown.press("tab")
            assert shown.app.focused is page.routes

    on_dashboard(test, size=(60, 20))


def test_the_filter_is_shown_in_the_frame_and_narrows_the_list(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        routes = _list(shown)
        await shown.press("slash", "i", "t", "l")
        assert "gateway routes  / itl▏" in shown.text
        wanted = [path for path in paths() if matches("itl", path)]
        assert sorted(row.path for row in routes.objects) == sorted(wanted)  # type: ignore[attr-defined]
        assert 0 < len(wanted) < 24
        await shown.press("backspace", "enter")
        assert "gateway routes  / it " in shown.text
        assert routes.table.total == 9
        await shown.press("j")
        assert routes.chosen == routes.table.keys[1]
        await shown.press("escape")
        assert routes.table.total == 24

    on_dashboard(test)


def test_an_exclamation_mark_turns_the_filter_round(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"!users", "enter")
        assert not [key for key in _list(shown).table.keys if key.startswith("/users")]
        assert _list(shown).table.total == 18

    on_dashboard(test)


def test_while_a_filter_is_typed_keys_are_letters(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", "q", "2", "space")
        assert _list(shown).filter == "q2 "
        assert shown.app.crumbs == ("overview",)
        assert "nothing matches 'q2 '" in shown.text

    on_dashboard(test)


def test_s_goes_through_the_orders(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        routes = _list(shown)
        assert "sort p99 ↓" in shown.text
        await shown.press("s")
        assert "sort rate ↓" in shown.text
        rates = [row.traffic.rate_per_s for row in routes.objects]  # type: ignore[attr-defined]
        assert rates == sorted(rates, reverse=True)
        await shown.press(*"ssssss")
        assert "sort p99 ↓" in shown.text

    on_dashboard(test)


def test_a_click_chooses_a_row_sorts_by_a_header_and_presses_a_key(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.pilot.click(page.routes, offset=(10, 3))
        await shown.settle()
        assert page.routes.chosen == page.routes.table.keys[2]
        await shown.pilot.click(page.routes, offset=(12, 0))
        await shown.settle()
        assert "sort path ↑" in shown.text
        await shown.pilot.click(page.foot, offset=(shown.foot.index("filter"), 0))
        await shown.settle()
        assert page.routes.editing
        await shown.press("escape")
        await shown.pilot.click(page.foot, offset=(shown.foot.index("pause"), 0))
        await shown.settle()
        assert "PAUSED" in shown.top

    on_dashboard(test)


@pytest.mark.parametrize(
    ("tile", "crumb", "words"),
    [(0, "gateway", "sort rate ↓"), (1, "gateway", "sort p99 ↓"), (2, "gateway", "sort errors ↓"),
     (3, "limits", "limits"), (4, "gateway", "r reset")],
)  # fmt: skip
def test_a_click_on_a_tile_goes_to_what_it_is_made_of(
    on_dashboard: Run, tile: int, crumb: str, words: str
) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.pilot.click(page.tiles[tile], offset=(3, 1))
        await shown.settle()
        assert shown.page.crumb == crumb
        assert words in shown.text

    on_dashboard(test)


def test_a_second_click_opens_the_row(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.pilot.click(page.routes, offset=(10, 3), times=2)
        await shown.settle()
        assert isinstance(shown.page, DetailPage)

    on_dashboard(test)


def test_the_wheel_scrolls_and_leaves_the_cursor(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        routes = _list(shown)
        before = routes.chosen
        routes.post_message(_wheel(routes))
        await shown.settle()
        assert "4–15 of 24" in shown.text
        assert routes.chosen == before

    on_dashboard(test, size=(80, 24))


def _wheel(pane: ListPane) -> object:
    from textual.events import MouseScrollDown

    return MouseScrollDown(pane, 1, 1, 0, 0, 0, False, False, False)


def test_text_can_be_selected_with_the_mouse(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.pilot.mouse_down(page.routes, offset=(10, 1))
        await shown.pilot.hover(page.routes, offset=(20, 1))
        await shown.pilot.mouse_up(page.routes, offset=(20, 1))
        await shown.settle()
        assert shown.app.screen.get_selected_text() == "/orders/lis"

    on_dashboard(test)


def test_the_chosen_row_is_followed_as_it_moves(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        routes = _list(shown)
        await shown.press("j", "j")
        chosen = routes.chosen
        rows = list(gateway_report().routes)
        moved = gateway_report()
        shown.engine.now = report(901, gateway=_with(moved, tuple(rows[:1] + rows[2:])))
        await shown.tell()
        assert routes.chosen == chosen

    on_dashboard(test)


def _with(gateway, routes):  # type: ignore[no-untyped-def]
    stats = msgspec.structs.replace(gateway.stats, routes=len(routes))
    return msgspec.structs.replace(gateway, routes=routes, stats=stats)


def test_more_routes_than_a_report_holds_are_cut_by_the_engine(on_dashboard: Run) -> None:
    engine = CannedEngine(report(gateway=gateway_report(routes=2000)))

    async def test(shown: Still) -> None:
        assert "1–22 of 2 000" in shown.text
        sort, limit, offset, words = engine.called("route_stats")[-1]
        assert (sort, offset, words) == ("p99", 0, "")
        assert limit < 100
        await shown.press("end")
        assert "1 979–2 000 of 2 000" in shown.text
        assert engine.called("route_stats")[-1][2] > 1900
        await shown.press("slash", "1", "9", "9")
        assert engine.called("route_stats")[-1][3] == "199"
        assert _list(shown).table.keys == engine_keys(engine)

    def engine_keys(engine: CannedEngine) -> tuple[str, ...]:
        calls = engine.called("route_stats")[-1]
        found = engine.gateway.route_stats(
            sort=RouteSort(calls[0]), limit=calls[1], offset=calls[2], filter=calls[3]
        )
        return tuple(row.path for row in found.rows)

    on_dashboard(test, engine)


def test_enter_shows_everything_of_a_route_where_there_is_no_room_beside(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("enter")
        assert "same as:  abi gateway routes show /orders/list --json" in shown.text
        assert "≤25" in shown.text
        assert shown.engine.called("route_detail")[-1] == ("/orders/list", None)
        assert isinstance(shown.app.focused, BreakersPane)

    on_dashboard(test)


def test_the_detail_beside_the_list_is_of_the_chosen_row(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "abi gateway routes show /orders/list --json" in shown.text
        await shown.press("j")
        assert "abi gateway routes show '/users/*' --json" in shown.text

    on_dashboard(test, size=(160, 40))


def test_the_detail_is_of_the_list_in_focus(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, GatewayPage)
        page.breakers.focus()
        await shown.settle()
        assert "same as:  abi gateway breakers show http://127.0.0.1:9002" in shown.text
        assert "in a row" in shown.text

    on_dashboard(test, size=(160, 40), settings=Settings(screen="gateway"))


def test_a_planned_feature_says_what_it_would_do(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("3")
        assert isinstance(shown.page, FeaturesPage)
        assert shown.page.features.chosen == "cache"
        assert "Planned, not built" in shown.text
        assert "in-memory cache: seven eviction policies" in shown.text

    on_dashboard(test)


def test_a_feature_that_is_off_says_which_key_turns_it_on(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "the gateway is off: g f goes to the features, where o switches it on" in shown.text
        await shown.press("g", "f")
        assert "Switched off" in shown.text
        assert "o switches it on until the engine stops" in shown.text

    on_dashboard(test, CannedEngine(report(on=False)))


@pytest.mark.parametrize(
    ("screen", "words"),
    [
        ("overview", "no routes yet: abi gateway routes add"),
        ("gateway", "no upstreams yet"),
        ("events", "nothing has happened yet"),
    ],
)
def test_an_empty_list_says_why_and_what_fills_it(
    on_dashboard: Run, screen: str, words: str
) -> None:
    async def test(shown: Still) -> None:
        assert words in shown.text

    on_dashboard(test, CannedEngine(empty_report()), settings=Settings(screen=screen))


def test_a_lost_engine_is_said_at_once_and_what_was_shown_stays(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        shown.feed.lose(ConnectionLost("the engine closed the connection"))
        await shown.settle()
        assert "▲ engine lost, reconnecting" in shown.top
        assert "LOST 12:04:41" in shown.top
        assert "/orders/list" in shown.text
        await shown.tell()
        assert "LIVE" in shown.top
        assert "lost" not in shown.top

    on_dashboard(test)


def test_the_footer_has_six_keys_at_80_columns_with_help_and_filter(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        hints = [words.split(" ")[0] for words in shown.foot.strip().split("   ")]
        assert len(hints) >= 6
        assert {"?", "/"} <= set(hints)
        assert not shown.foot.endswith("…")

    on_dashboard(test, size=(80, 24))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(20, 6), (12, 3), (40, 10), (300, 100)])
def test_no_size_is_refused(on_dashboard: Run, size: tuple[int, int]) -> None:
    async def test(shown: Still) -> None:
        for place in (place for place in PLACES if place.built):
            shown.app.go(place.name)
            await shown.settle()
        await shown.press("question_mark", "escape", "ctrl+p", "escape", "g", "escape")
        assert len(shown.text.splitlines()) == size[1]

    on_dashboard(test, size=size)


def test_another_size_is_another_plan(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        assert page.detail.size.width > 0
        page.detail.focus()
        await shown.pilot.resize_terminal(80, 24)
        await shown.settle()
        assert "same as" not in shown.text
        await shown.pilot.resize_terminal(200, 60)
        await shown.settle()
        assert "same as" in shown.text

    on_dashboard(test, size=(200, 60))


def test_help_is_about_the_pane_in_focus(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("question_mark")
        assert "help: gateway routes" in shown.text
        assert "same as:  abi gateway routes list --sort p99" in shown.text
        await shown.press("escape", "tab", "question_mark")
        assert "help: events" in shown.text

    on_dashboard(test)


def test_no_frame_is_blank_while_screens_change(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        frames: list[str] = []
        shown.app.post_display_hook = lambda: frames.append(screen_text(shown.app))  # type: ignore[method-assign]
        for keys in (
            ("2",),
            ("enter",),
            ("escape",),
            ("3",),
            ("g", "escape"),
            ("ctrl+p", "escape"),
        ):
            await shown.press(*keys)
        assert len(frames) > 6
        for frame in frames:
            lines = frame.splitlines()
            assert "LIVE" in lines[0]
            assert "─" in lines[1]
            assert sum(not line.strip() for line in lines) <= 1

    on_dashboard(test)


def test_nothing_is_painted_that_did_not_change(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        painted: list[object] = []
        for widget in shown.page.query_all():
            refresh = widget.refresh

            def spy(*regions: object, widget: object = widget, refresh: object = refresh) -> object:
                painted.append((type(widget).__name__, regions))
                return refresh(*regions)  # type: ignore[operator]

            widget.refresh = spy  # type: ignore[assignment,method-assign]
        await shown.tell()
        assert painted == []

    on_dashboard(test)


def test_of_a_row_only_the_changed_columns_are_painted(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        regions: list[object] = []
        refresh = page.routes.refresh

        def spy(*dirty: object) -> object:
            regions.extend(dirty)
            return refresh(*dirty)  # type: ignore[arg-type]

        page.routes.refresh = spy  # type: ignore[assignment,method-assign]
        gateway = gateway_report(wave=900)
        rows = list(gateway.routes)
        faster = msgspec.structs.replace(rows[2].traffic, rate_per_s=99.0)
        rows[2] = msgspec.structs.replace(rows[2], traffic=faster)
        shown.engine.now = report(901, gateway=msgspec.structs.replace(gateway, routes=tuple(rows)))
        before = text_of(page.routes.lines)
        await shown.tell()
        after = text_of(page.routes.lines)
        changed = [
            y for y, (a, b) in enumerate(zip(before.split("\n"), after.split("\n"))) if a != b
        ]
        assert len(changed) == 1
        (region,) = regions
        assert (region.y, region.height) == (changed[0], 1)  # type: ignore[attr-defined]
        assert region.width < 8  # type: ignore[attr-defined]

    on_dashboard(test)


def test_places_lie_side_by_side_however_many_one_goes_through(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2", "enter", "g", "e", "3", "g", "f")
        assert shown.app.crumbs == ("overview", "features")
        await shown.press("escape")
        assert isinstance(shown.page, OverviewPage)

    on_dashboard(test, size=(160, 40))


def test_the_chosen_row_stays_in_sight_where_there_is_less_room(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("g", "f", "end")
        chosen = shown.page.query_one(FeaturesPane).chosen
        assert chosen in shown.text
        await shown.pilot.resize_terminal(80, 24)
        await shown.settle()
        pane = shown.page.query_one(FeaturesPane)
        assert pane.chosen == chosen
        assert str(chosen) in text_of(pane.lines)

    on_dashboard(test, size=(120, 60))


@pytest.mark.parametrize("digit", ["3", "8", "9"])
def test_a_planned_place_has_its_row_in_sight(on_dashboard: Run, digit: str) -> None:
    async def test(shown: Still) -> None:
        await shown.press(digit)
        pane = shown.page.query_one(FeaturesPane)
        assert str(pane.chosen) in text_of(pane.lines)

    on_dashboard(test, size=(80, 24))
