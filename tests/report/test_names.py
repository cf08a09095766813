"""Names that are cut, and names that are typed."""

from hypothesis import given
from hypothesis import strategies as st

from nth.report.names import CUT_SIGNS, Typed, cut_middle

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?", fullmatch=True)


def test_a_long_name_keeps_its_beginning_and_more_of_its_end() -> None:
    assert cut_middle("recommendations-worker-7c6d9f4b8d-x2x9k", 20) == "recommend..b8d-x2x9k"
    assert cut_middle("web-x2x9k", 9) == "web-x2x9k"
    assert cut_middle("web-x2x9k", 3) == "web"


@given(NAMES, st.integers(1, 70), st.sampled_from(CUT_SIGNS))
def test_a_cut_name_is_as_wide_as_asked_for_and_fits_the_whole(name: str, width: int, sign: str) -> None:
    shown = cut_middle(name, width, sign)
    assert len(shown) <= width
    assert shown == name or len(shown) == width
    assert Typed(shown).fits([name])


@given(NAMES, NAMES, st.integers(4, 20))
def test_it_fits_no_name_with_another_end(name: str, other: str, width: int) -> None:
    shown = cut_middle(name, width)
    if shown != name and other[-1] != name[-1]:
        assert not Typed(shown).fits([other])
