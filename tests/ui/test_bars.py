"""A pod's way as cells."""

from nth.ui.bars import axis_of, bar
from tests.report.stories import BEGUN, FULL_STORY, LOSING_STORY, NOTICE, WITHDRAWN, Step, report_of


def bars(after_seconds: float, *steps: Step, cells: int = 12) -> list[str]:
    report = report_of(*steps, after_seconds=after_seconds)
    axis = axis_of(report, cells)
    return [bar(outcome, report, axis) for outcome in report.pods]


def test_a_whole_story_cell_by_cell() -> None:
    # 12 cells of 10 s: web stops for 5 s, billing is blocked and then forced, encoder stops for 50 s.
    assert bars(125, *FULL_STORY) == ["=++++++++++|", "xxxxxxxx#++|", "=====++++++|"]


def test_what_lasts_less_than_a_cell_is_shown_all_the_same() -> None:
    web, billing, _ = bars(125, *FULL_STORY, cells=30)
    assert web.startswith("=")
    assert "#" in billing


def test_the_future_is_blank() -> None:
    assert bars(35, *BEGUN) == ["====       |", "xxxx       |", "====       |"]


def test_a_lost_pod_ends_with_its_own_sign() -> None:
    assert bars(125, *LOSING_STORY)[1] == "xxxxxxxxxxx!"


def test_a_deadline_far_away_does_not_squeeze_everything_into_one_cell() -> None:
    report = report_of(*BEGUN, (40.0, WITHDRAWN), after_seconds=44)
    axis = axis_of(report, 10)
    assert axis.end_at <= report.until_at
    assert axis.end_at > report.first_at + 30


def test_a_story_that_has_just_begun_has_an_axis() -> None:
    axis = axis_of(report_of((0.0, NOTICE), after_seconds=0), 10)
    assert axis.cell(axis.begin_at) == 0
    assert axis.cell(axis.end_at) == 9
