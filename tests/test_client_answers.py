"""What an answer means, from status, headers and body alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame.client.answers import Refused, judge, shown, wait_before_retry
from lockblame.errors import RateLimited
from lockblame.flow import Response
from tests.servers.loopback import http_date

NOW = 1_700_000_000.0


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Response(status=status, url="https://api.github.com/repos/x/y", headers=named, body=body)


class TestHowLong:
    @pytest.mark.parametrize("status", [403, 429, 503])
    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry_after": "0"}, 0),
            ({"retry_after": "600"}, 600),
            ({"retry_after": http_date(NOW + 90)}, 90),
            ({"retry_after": http_date(NOW - 90)}, 0),
            ({"retry_after": http_date(NOW + 90), "date": http_date(NOW + 30)}, 60),
            ({"retry_after": "30", "x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 9999)}, 30),
            ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 300)}, 301),
            ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 300), "date": http_date(NOW + 200)}, 101),
            ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) - 300)}, 1),
            ({"ratelimit_remaining": "0", "ratelimit_reset": str(int(NOW) + 300)}, 301),
            ({"ratelimit_remaining": "0", "ratelimit_reset": "45"}, 46),
        ],
    )
    def test_in_full_and_by_the_hosts_clock(self, status: int, headers: dict[str, str], seconds: float):
        assert wait_before_retry(answer(status, **headers), NOW) == pytest.approx(seconds)

    @pytest.mark.parametrize(
        ("status", "body", "seconds"),
        [
            (429, b"", 60),
            (403, b'{"message": "You have exceeded a secondary rate limit"}', 60),
            (403, b'{"message": "You have triggered an abuse detection mechanism"}', 60),
            (403, b'{"message": "Resource not accessible"}', None),
            (503, b"", None),
            (404, b"rate limit", None),
            (200, b"rate limit", None),
        ],
    )
    def test_where_no_header_says(self, status: int, body: bytes, seconds: float | None):
        assert wait_before_retry(answer(status, body), NOW) == seconds

    def test_what_remains_is_no_limit(self):
        assert wait_before_retry(answer(403, x_ratelimit_remaining="12", x_ratelimit_reset=str(int(NOW) + 9)), NOW) is None

    @given(
        st.sampled_from([403, 429, 503]), st.text(max_size=40), st.text(max_size=20), st.text(max_size=20), st.text(max_size=40)
    )
    def test_nonsense_is_a_time_or_none(self, status: int, after: str, remaining: str, reset: str, date: str):
        headers = {"retry_after": after, "x_ratelimit_remaining": remaining, "x_ratelimit_reset": reset, "date": date}
        wait = wait_before_retry(answer(status, **headers), NOW)
        assert wait is None or 0 <= wait <= 30 * 24 * 3600


class TestWhatIsSaid:
    def test_a_limit_says_until_when_and_what_would_help(self):
        with pytest.raises(Refused) as caught:
            judge(answer(429, retry_after="600"), "celery/kombu", NOW, anonymous=True)
        error = caught.value.error
        assert isinstance(error, RateLimited)
        assert error.until == NOW + 600
        assert str(error) == (
            "celery/kombu: api.github.com answers no more requests for the next 10 min, until 22:23:20 UTC "
            "(a token in GITHUB_TOKEN raises the limit from 60 to 5000 an hour)"
        )

    def test_with_a_token_nothing_would(self):
        with pytest.raises(Refused) as caught:
            judge(answer(429, retry_after="60"), "celery/kombu", NOW)
        assert "GITHUB_TOKEN" not in str(caught.value.error)

    def test_the_hosts_words_are_one_harmless_line(self):
        body = b'{"message": "no\\n\\u001b[31m' + b"x" * 900 + b'"}'
        with pytest.raises(Refused) as caught:
            judge(answer(422, body, content_type="application/json"), "celery/kombu", NOW)
        assert len(str(caught.value.error)) < 300
        assert str(caught.value.error).isprintable()

    @given(st.text(max_size=100))
    def test_any_address_can_be_shown(self, url: str):
        assert "@" not in shown(f"https://user:secret@{url}").partition("//")[2].partition("/")[0]
