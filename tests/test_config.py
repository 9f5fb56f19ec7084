"""lockblame's settings, and what is said about wrong ones."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockblame.config import Config, parse
from lockblame.errors import ConfigError
from lockblame.model import Repository

KOMBU = Repository(forge="github", host="github.com", path="celery/kombu")


class TestRead:
    def test_upstreams(self):
        text = """
            [upstreams]
            kombu = "https://github.com/celery/kombu"
            Flask_SocketIO = "https://gitlab.com/group/sub/name.git"
            inhouse = { url = "https://code.example/team/inhouse", forge = "gitea" }
        """
        assert parse(text, "lockblame.toml") == Config(
            path="lockblame.toml",
            upstreams={
                "kombu": KOMBU,
                "flask-socketio": Repository(forge="gitlab", host="gitlab.com", path="group/sub/name"),
                "inhouse": Repository(forge="gitea", host="code.example", path="team/inhouse"),
            },
        )

    def test_the_table_of_a_pyproject(self):
        text = (
            '[project]\nname = "x"\n[tool.other]\nkey = 1\n[tool.lockblame.upstreams]\nkombu = "https://github.com/celery/kombu"'
        )
        assert parse(text, "sub/pyproject.toml").upstreams == {"kombu": KOMBU}

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("", "lockblame.toml"),
            ("[project]\nname = 'x'", "pyproject.toml"),
            ("\ufeff", "lockblame.toml"),
            ("[tool]", "pyproject.toml"),
        ],
    )
    def test_nothing(self, text: str, path: str):
        assert parse(text, path) == Config(path=path)

    def test_the_lexicon_is_passed_on(self):
        assert parse('[lexicon]\nslow = ["laggy"]', "x.toml").lexicon == {"slow": ["laggy"]}


class TestWrong:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[upstreams]\nkombu = = 3\n", "x.toml: is no TOML: .*line 2"),
            ("a = " + "[" * 5000, "x.toml: is no TOML"),
            ("[upstream]", r"upstream is no setting of lockblame; it knows \[upstreams\], \[lexicon\], \[policy\] and cases"),
            ("upstreams = 3", "upstreams should be a table, is a number"),
            ("lexicon = []", "lexicon should be a table, is a list"),
            ("[upstreams]\nkombu = 3", r"upstreams\.kombu should be a string, is a number"),
            ('[upstreams]\nkombu = "kombu"', r"upstreams\.kombu is no repository's address; write it like"),
            ('[upstreams]\nkombu = "https://github.com/celery"', r"upstreams\.kombu is no repository's address"),
            (
                '[upstreams]\nkombu = "https://code.example/a/b"',
                r'the host doesn\'t tell .*kombu = \{ url = "…", forge = "github|gitlab|gitea" \}',
            ),
            (
                '[upstreams]\nkombu = "https://bitbucket.org/owner/kombu"',
                r"kombu is on a forge that lockblame can't ask; open https://bitbucket.org/owner/kombu/issues by hand",
            ),
            (
                '[upstreams]\nkombu = { url = "https://code.example/a/b", forge = "svn" }',
                r"forge is none of github, gitlab, gitea",
            ),
            ('[upstreams]\nkombu = { forge = "gitea" }', r"upstreams\.kombu\.url is missing"),
            ('[upstreams]\nkombu = { url = "https://github.com/a/b", host = "x" }', r"upstreams\.kombu\.host is no setting"),
        ],
    )
    def test_one_sentence_with_the_place(self, text: str, says: str):
        with pytest.raises(ConfigError, match=says):
            parse(text, "x.toml")

    def test_the_place_in_a_pyproject(self):
        with pytest.raises(ConfigError, match=r"tool\.lockblame\.upstreams\.kombu is no repository"):
            parse('[tool.lockblame.upstreams]\nkombu = "x"', "pyproject.toml")
        with pytest.raises(ConfigError, match=r"tool\.lockblame\.colour is no setting"):
            parse("[tool.lockblame]\ncolour = 1", "pyproject.toml")
        with pytest.raises(ConfigError, match="tool should be a table"):
            parse("tool = 1", "pyproject.toml")

    def test_credentials_are_refused_and_not_shown(self):
        with pytest.raises(ConfigError, match="holds credentials") as caught:
            parse('[upstreams]\nkombu = "https://me:s3cret@github.com/celery/kombu"', "x.toml")
        assert "s3cret" not in str(caught.value)

    @given(st.text(max_size=100))
    def test_any_text_is_settings_or_a_config_error(self, text: str):
        with suppress(ConfigError):
            assert parse(text, "pyproject.toml") == Config(path="pyproject.toml")
