"""What a report says it did not look at: little, clear, and with a way out."""

from __future__ import annotations

import ast
import re
from contextlib import ExitStack
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import lockblame
from lockblame import errors
from lockblame.api.asking.missing import ALIKE, MOST, listed, merged
from lockblame.client import Client
from lockblame.model import Gap
from tests.servers.loopback import Answer, Server, closed_port

LOCK = "--index-url {index}/simple\n"
HINT = "open https://forge.example/acme/{0}/issues by hand"


def gap(name: str, detail: str = "forge.example answered with status 502", **more: str) -> Gap:
    return Gap(subject=name, reason="bad-response", detail=detail, **more)


class TestMerged:
    def test_three_that_say_the_same_are_one(self):
        (one,) = merged([gap(name, hint=HINT.format(name)) for name in ("a", "b", "c")])
        assert (one.subject, one.hint) == ("a, b, c", f"{HINT.format('a')}, and so on")

    def test_two_are_two(self):
        assert len(merged([gap("a"), gap("b"), gap("a")])) == 2

    def test_the_page_and_the_seconds_make_no_difference(self):
        late = [gap(name, f"https://index.example/simple/{name}/ gave no whole answer within 1{name} s") for name in "789"]
        (one,) = merged(late)
        assert one.detail == "https://index.example/… gave no whole answer within 17 s"

    def test_the_host_does(self):
        assert len(merged([gap(name, f"https://{name}.example/ is gone") for name in "abc"])) == 3

    def test_what_it_is_about_is_said_once(self):
        (one,) = merged([gap(f"tags of acme/{name}") for name in "abc"])
        assert one.subject == "tags of acme/a, acme/b, acme/c"

    def test_of_very_many_the_rest_is_counted(self):
        (one,) = merged([gap(f"p{number}") for number in range(MOST + 5)])
        assert one.subject.endswith(f"p{MOST - 1} and 5 more")

    @given(st.lists(st.builds(gap, st.text(max_size=4), st.sampled_from(["a", "b 1 s", "b 2 s"])), max_size=12))
    def test_nothing_is_lost(self, gaps: list[Gap]):
        found = merged(gaps)
        assert merged(reversed(found)) == tuple(reversed(found)) or len(found) >= ALIKE
        said = {(one.reason, name) for one in found for name in one.subject.split(", ")}
        assert {(one.reason, name) for one in gaps for name in one.subject.split(", ")} <= said


def test_half_of_the_hosts_broken_is_a_line_for_each_fault(tmp_path: Path):
    """24 packages, an index that fails for half of them, four forges of which each has something else."""
    names = [f"part-{number:02}" for number in range(24)]

    def index(asked) -> Answer:
        number = int(asked.path.strip("/")[-2:])
        if number % 2:
            return Answer(status=503)
        kind = "application/vnd.pypi.simple.v1+json"
        return Answer(body=b'{"meta": {"api-version": "1.1"}, "files": []}', kind=kind)

    with ExitStack() as stack:
        pages, broken, closed, limited = (
            stack.enter_context(Server(answer))
            for answer in (
                index,
                lambda _: Answer(status=500),
                lambda _: Answer(status=401, body=b'{"message": "401 Unauthorized"}'),
                lambda _: Answer(status=429, headers={"Retry-After": "600"}),
            )
        )
        places = (
            ("github", f"127.0.0.1:{closed_port()}"),
            ("github", broken.host),
            ("gitlab", closed.host),
            ("gitea", limited.host),
        )
        for side, version in (("before", "1.0"), ("after", "1.1")):
            pins = "".join(f"{name}=={version}\n" for name in names)
            (tmp_path / f"{side}.txt").write_text(LOCK.format(index=pages.url) + pins)
        homes = [(name, *places[number % 4]) for number, name in enumerate(names)]
        settings = "".join(
            f'{name} = {{ url = "http://{host}/acme/{name}", forge = "{forge}" }}\n' for name, forge, host in homes
        )
        (tmp_path / "lockblame.toml").write_text(f"[upstreams]\n{settings}")
        with Client(cache=False, patience=0, deadline=30) as client:
            sides = (tmp_path / "before.txt", tmp_path / "after.txt")
            report = lockblame.blame(*sides, symptom="slow", client=client, config=tmp_path / "lockblame.toml")
    assert len(report.gaps) == 6
    for name, forge, host in homes:
        (own,) = [one for one in report.gaps if f"acme/{name}" in one.subject]
        assert host in own.detail
        assert own.hint
        if forge == "gitlab":
            assert f"GITLAB_TOKEN (with GITLAB_HOST={host})" in own.hint
    (unanswered,) = [one for one in report.gaps if one.subject == listed(names[1::2])]
    assert "status 503" in unanswered.detail
    assert unanswered.hint


class TestReasons:
    SOURCE = Path(lockblame.__file__).parent
    TABLE = Path(__file__).parents[1] / "docs" / "reference" / "gaps.md"

    def told(self) -> set[str]:
        rows = [line for line in self.TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
        return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}

    def written(self) -> set[str]:
        """Every reason that the source writes down: in a Gap, in a short way to one, in an error."""
        calls = (
            (node, getattr(node.func, "id", getattr(node.func, "attr", "")))
            for path in self.SOURCE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        )
        values = []
        for call, name in calls:
            values += [one.value for one in call.keywords if one.arg == "reason" and name == "Gap"]
            values += call.args[1:2] if name in ("_gap", "_hole") else call.args[:1] if name == "_none" else []
        # of two that a choice gives both count: "reason, detail = …"
        values += [
            node.value.elts[0]
            for path in self.SOURCE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple)
            and ast.unparse(node.targets[0]).strip("()").startswith("reason, ")
        ]
        found = {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}
        upstream = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.UpstreamError)]
        return found | {one.reason for one in upstream}

    def test_each_is_in_the_table(self):
        assert self.written() - self.told() == set()

    def test_the_table_has_no_others(self):
        assert self.told() - self.written() == set()
