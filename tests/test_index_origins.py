"""Which index a package is asked for at, and which of several pages is the right one."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from lockblame.api.asking.origins import Sourcing, lane, pages_of, project_page
from lockblame.errors import AccessRefused, BadResponse, ConfigError, NotFound, UpstreamError
from lockblame.flow import Request, Response
from lockblame.model import Artifact, Delta, Index, Pin, Secret, Snapshot, Source
from tests.flows import feed, page

PUBLIC = "https://index.example/simple"
CORP = "https://corp.example/simple"
PLAIN = Pin(name="inhouse", version="1.1")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose pip asks PUBLIC, which is also the ecosystem's."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "POETRY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setattr("lockblame.client.indexes.public_index", lambda: PUBLIC)


def lock(*configured: Index, format: str = "requirements", indexes: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(origin="x", format=format, pins=(PLAIN,), configured=configured, indexes=indexes)


def pages(snapshot: Snapshot, pin: Pin = PLAIN, before: Snapshot | None = None) -> list[str]:
    return list(Sourcing(snapshot, before or snapshot).pages(pin))


class TestWhereToAsk:
    def test_where_the_lock_says(self):
        located = Pin(name="inhouse", version="1.1", source=Source(location=CORP))
        assert pages(lock(Index(url=PUBLIC, default=True)), located) == [CORP]

    def test_from_elsewhere_than_an_index(self):
        assert pages(lock(), Pin(name="x", source=Source(kind="git", location="https://code.example/x"))) == []

    def test_nothing_configured(self):
        assert pages(lock()) == [PUBLIC]

    def test_a_package_that_the_project_takes_from_one_index(self):
        corp = Index(url=CORP, name="corp", explicit=True, packages=("other", "in*"))
        assert pages(lock(corp, Index(url="https://m.example", default=True))) == [CORP]
        assert pages(lock(corp), Pin(name="public", version="1")) == [PUBLIC]

    def test_the_private_one_first(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", CORP)
        assert pages(lock()) == [CORP, PUBLIC]
        more = lock(Index(url="https://index.example/other"), Index(url="https://two.example"))
        assert pages(more) == ["https://two.example", CORP, "https://index.example/other", PUBLIC]

    def test_the_projects_default_stands_in_for_the_machines(self):
        assert pages(lock(Index(url=CORP, default=True))) == [CORP]
        assert pages(lock(Index(url=CORP))) == [CORP, PUBLIC]

    def test_poetry_writes_down_what_is_not_from_the_default(self):
        assert pages(lock(Index(url=CORP), format="poetry", indexes=(CORP,))) == [PUBLIC]

    def test_other_tools_do_not_ask_what_pip_would(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", CORP)
        assert pages(lock(format="pdm")) == [PUBLIC]

    def test_the_indexes_of_included_files(self):
        assert pages(lock(indexes=(CORP,))) == [CORP]
        assert pages(lock(Index(url="https://two.example"), indexes=(CORP,))) == ["https://two.example", CORP, PUBLIC]

    def test_the_old_side_where_the_new_one_says_nothing(self):
        assert pages(lock(), before=lock(Index(url=CORP, default=True))) == [CORP]

    def test_by_name(self):
        delta = Delta(before=lock(), after=lock(Index(url=CORP, default=True)))
        assert pages_of("Inhouse", delta) == (CORP,)
        assert pages_of("nobody", delta) == ()

    def test_settings_of_pip_that_cannot_be_read_matter_only_where_they_count(self, monkeypatch: pytest.MonkeyPatch, tmp_path):
        (tmp_path / "pip.conf").write_text("index-url = https://me:s3cret@x.example", encoding="utf-8")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        assert pages(lock(), Pin(name="x", source=Source(location=CORP))) == [CORP]
        with pytest.raises(ConfigError) as caught:
            pages(lock())
        assert "s3cret" not in str(caught.value)


class TestPasswords:
    NAMED = Index(url=CORP, name="corp")

    @pytest.fixture(autouse=True)
    def secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX_CORP_USERNAME", "me")
        monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", "pw")

    def test_only_for_what_both_sides_name(self):
        located = Pin(name="inhouse", source=Source(location=CORP))
        assert pages(lock(self.NAMED), located) == ["https://me:pw@corp.example/simple"]
        assert pages(lock(self.NAMED), located, before=lock()) == [CORP]
        elsewhere = lock(Index(url="https://other.example/simple", name="corp"))
        assert pages(lock(self.NAMED), located, before=elsewhere) == [CORP]

    def test_what_is_written_down_is_no_secret_of_the_machine(self):
        literal = Index(url=CORP, access=Secret("https://a:b@corp.example/simple"), default=True)
        assert pages(lock(literal), before=lock()) == ["https://a:b@corp.example/simple"]
        variable = Index(url=CORP, access=Secret("https://a:$UV_INDEX_CORP_PASSWORD@corp.example/simple"), default=True)
        assert pages(lock(variable), before=lock()) == [CORP]
        assert pages(lock(variable)) == ["https://a:pw@corp.example/simple"]
        bent = Index(url=CORP, access=Secret("https://a:$UV_INDEX_CORP_USERNAME@corp.example/simple"), default=True)
        assert pages(lock(bent), before=lock(variable)) == [CORP]

    def test_not_shown_as_the_place_that_is_asked(self):
        assert lane("https://me:pw@corp.example:8443/simple") == "corp.example:8443"
        assert lane("https://[::1") == ""


def listed(version: str, digest: str = "a") -> Response:
    name = f"inhouse-{version}.tar.gz"
    file = {"filename": name, "url": f"/{name}", "hashes": {"sha256": digest * 64}}
    return page({"files": [file]}, kind="application/vnd.pypi.simple.v1+json")


Answers = Callable[[Request], Response | UpstreamError]


class TestWhichPage:
    def take(self, pin: Pin | None, *answers: Response | UpstreamError) -> tuple[list[str], int]:
        """The versions of the page that is taken, and how many were asked for."""
        places = [f"https://{number}.example" for number in range(3)]
        found, asked = feed(project_page("inhouse", places, pin), answers)
        return [release.version for release in found.releases], len(asked)

    def test_the_first_that_has_it(self):
        assert self.take(None, NotFound("inhouse", "no"), listed("1.1")) == (["1.1"], 2)

    def test_the_one_with_the_locked_version(self):
        assert self.take(PLAIN, listed("1.0"), listed("1.1")) == (["1.1"], 2)

    def test_the_one_with_the_locked_file(self):
        pin = Pin(name="inhouse", version="1.1", artifacts=(Artifact(hash="sha256:" + "B" * 64),))
        other = listed("1.1", "a")
        found, _ = feed(project_page("inhouse", ("https://0.example", "https://1.example"), pin), [other, listed("1.1", "b")])
        assert found.files[0].hashes["sha256"] == "b" * 64

    def test_none_has_the_locked_version(self):
        assert self.take(PLAIN, NotFound("inhouse", "no"), listed("0.9"), listed("0.8")) == (["0.9"], 3)
        assert self.take(PLAIN, listed("0.9"), BadResponse("inhouse", "down")) == (["0.9"], 2)

    @pytest.mark.parametrize("trouble", [AccessRefused("inhouse", "no"), BadResponse("inhouse", "down")])
    def test_an_index_that_may_have_it_ends_the_search(self, trouble: UpstreamError):
        asked = []

        def answer(request: Request) -> UpstreamError:
            asked.append(request.url)
            return trouble

        with pytest.raises(type(trouble)):
            feed(project_page("inhouse", (CORP, PUBLIC)), answer)
        assert asked == [f"{CORP}/inhouse/"]

    def test_storage_that_forbids_what_it_does_not_have(self):
        assert self.take(None, AccessRefused("inhouse", "no", None, 403), listed("1.1")) == (["1.1"], 2)

    def test_nobody_has_it(self):
        refused = AccessRefused("inhouse", "refuses", None, 403)
        with pytest.raises(AccessRefused):
            feed(project_page("inhouse", (CORP, PUBLIC)), [refused, NotFound("inhouse", "no")])
        with pytest.raises(NotFound):
            feed(project_page("inhouse", (CORP, PUBLIC)), [NotFound("inhouse", "no")] * 2)
