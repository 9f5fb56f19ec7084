"""Where a package is developed: from the links that it publishes to a Repository, or why there is none.

Labels are compared by PEP 753's rules. A link counts by what its label promises (the source before the tracker, the tracker
before a changelog), and where a label promises nothing, by how much the repository's name resembles the package's. A wrong
repository is worse than none: where the links contradict each other, the answer is a Gap that says which line would settle it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from lockblame.errors import UpstreamError
from lockblame.flow import Flow
from lockblame.index import Metadata, Project, metadata
from lockblame.model import Forge, Gap, Repository, normalize

_WHERE = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
_HINTS: tuple[tuple[str, Forge], ...] = (("gitlab", "gitlab"), ("gitea", "gitea"), ("forgejo", "gitea"), ("github", "github"))
_PAGES: Mapping[str, tuple[Forge, str]] = {
    ".github.io": ("github", "github.com"),
    ".gitlab.io": ("gitlab", "gitlab.com"),
    ".codeberg.page": ("gitea", "codeberg.org"),
}
_OTHER_FORGES = ("bitbucket.org", "launchpad.net", "sourceforge.net", "sf.net", "sr.ht", "pagure.io", "savannah.gnu.org")
# where a person finds the issues there: what the path of a link holds, and the address that is made of it
_TRACKERS = (
    (r"bitbucket\.org/([\w.-]+/[\w.-]+?)(?:\.git)?(?:/.*)?", "https://bitbucket.org/{}/issues"),
    (r"(?:\w+\.)?launchpad\.net/([\w.+-]+)(?:/.*)?", "https://bugs.launchpad.net/{}"),
    (r"(?:\w+\.)?(?:sourceforge|sf)\.net/(?:projects|p)/([\w.-]+)(?:/.*)?", "https://sourceforge.net/p/{}/_list/tickets"),
    (r"([\w-]+)\.(?:sourceforge|sf)\.(?:net|io)(?:/.*)?", "https://sourceforge.net/p/{}/_list/tickets"),
    (r"(?:\w+\.)?sr\.ht/(~[\w-]+/[\w.-]+)(?:/.*)?", "https://todo.sr.ht/{}"),
    (r"pagure\.io/((?:fork/[\w.-]+/)?[\w.-]+(?:/(?!issues?\b|blob|tree|c/)[\w.-]+)?)(?:/.*)?", "https://pagure.io/{}/issues"),
    (r"savannah\.(?:non)?gnu\.org/projects/([\w.-]+)(?:/.*)?", "https://savannah.gnu.org/bugs/?group={}"),
)

# first path segments of the forges' own pages: what stands there is no owner
_SITE_PAGES = (
    "about account admin api apps assets blog collections contact customer-stories dashboard enterprise events explore "
    "features gist gists groups help issues join login logout marketplace mission new notifications org organizations "
    "orgs partners pricing projects pulls readme repositories search security security-advisories advisories sessions "
    "settings signup site snippets sponsors stars team topics trending user users watching -"
)
_NO_OWNER = frozenset(_SITE_PAGES.split())
# on a host of somebody's own a team may well be called "team"
_NO_OWNER_ANYWHERE = frozenset({"-", "admin", "api", "explore", "help", "dashboard", "users", "sponsors"})
# repositories that people's templates leave behind in the links, and where organizations keep their shared texts
_NO_HOME = frozenset({"pypa/sampleproject", "audreyfeldroy/cookiecutter-pypackage", "audreyr/cookiecutter-pypackage"})

_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("funding", ("fund", "sponsor", "donat", "patreon", "tidelift", "opencollective", "liberapay", "kofi", "buymeacoffee")),
    ("source", ("source", "repo", "github", "gitlab", "codeberg", "gitea", "forgejo", "code", "git", "scm", "vcs")),
    ("tracker", ("issue", "bug", "tracker", "ticket")),
    ("changelog", ("changelog", "changes", "release", "whatsnew", "history", "news")),
    ("homepage", ("homepage", "home", "website", "projectpage", "url")),
    ("download", ("download",)),
    ("documentation", ("doc", "wiki", "readme", "readthedocs")),
)
# PEP 753 names these; a label that merely contains a word ("Code of conduct") is less sure
_EXACT = {
    "source": "source", "repository": "source", "sourcecode": "source", "github": "source", "code": "source",
    "gitlab": "source", "issues": "tracker", "bugs": "tracker", "issue": "tracker", "tracker": "tracker",
    "issuetracker": "tracker", "bugtracker": "tracker", "bugreports": "tracker", "homepage": "homepage", "home": "homepage",
    "changelog": "changelog", "changes": "changelog", "whatsnew": "changelog", "history": "changelog",
    "releasenotes": "changelog", "download": "download", "documentation": "documentation", "docs": "documentation",
    "funding": "funding", "sponsor": "funding", "donate": "funding", "donation": "funding",
}  # fmt: skip
_SURE = {"source": 6, "homepage": 5, "tracker": 4, "changelog": 3}
_FOREIGN = ("codeofconduct", "parent", "fork", "template", "related", "upstream", "author", "example", "docker", "contribut")
_ALIKE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    repository: Repository
    strength: int
    alike: float

    @property
    def key(self) -> tuple[str, str]:
        return self.repository.host, self.repository.path.lower()


# --- one URL ---------------------------------------------------------------------------------------------------------


def parse_repository(url: str, forge: Forge | None = None) -> Repository | None:
    """The repository that `url` is, or points into; None when it points into none.

    The forge is told by the host (github.com, gitlab.com, codeberg.org, gitea.com, and any like gitlab.example.org) or by how the
    path is built (GitLab's `/-/`, Gitea's `/src/branch/`); `forge` settles it for other hosts, which are none without it.
    """
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.removeprefix("www.")
    path = [unquote(segment) for segment in parts.path.split("/") if segment]
    if host == "raw.githubusercontent.com":
        host = "github.com"
    kind = forge or _forge(host, path)
    if kind is None or (host.endswith(".github.com") and host != "github.com"):
        return None
    project = _project_path(kind, path, _NO_OWNER if host in _WHERE else _NO_OWNER_ANYWHERE)
    if project is None:
        return None
    return Repository(forge=kind, host=host + _port(parts), path=project)


def _split(url: str) -> SplitResult | None:
    text = url.strip()
    if len(text) > 2000:
        return None
    # "git@host:owner/name.git" and "ssh://git@host/owner/name" name the same place as their https form
    short = re.fullmatch(r"(?:[\w.-]{1,64}@)([\w.-]{1,253}):(?!//)([^\s]{1,1000})", text)
    if short:
        text = f"https://{short[1]}/{short[2]}"
    text, other = re.subn(r"^(?:ssh|git)://", "https://", text.removeprefix("git+"))
    if text.partition("/")[0].lower().removeprefix("www.") in _WHERE:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        if parts.port is not None and other:
            # of the port of another protocol, where the web pages stand doesn't follow
            parts = parts._replace(netloc=parts.netloc.rpartition(":")[0])
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def host_of(url: str) -> str:
    """The host that `url` names, with a port that is none of the usual; "" when it names none."""
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return ""
    return parts.hostname.removeprefix("www.") + _port(parts)


def _port(parts: SplitResult) -> str:
    """The port with its colon, "" where it is the usual one."""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f":{parts.port}" if parts.port and parts.port != usual else ""


def _forge(host: str, path: list[str]) -> Forge | None:
    if host in _WHERE:
        return _WHERE[host]  # type: ignore[return-value]
    if host.endswith(".ghe.com"):
        return "github"
    if "-" in path[2:]:
        return "gitlab"
    if path[2:4] in (["src", "branch"], ["src", "commit"], ["src", "tag"]):
        return "gitea"
    # on a domain that is named after a forge (github.blog, forgejo.org) no page is a repository
    own = [] if host.startswith(tuple(f"{public}." for public in _WHERE)) else host.split(".")[:-2]
    return next((forge for word, forge in _HINTS if any(label.startswith(word) for label in own)), None)


_SEGMENT = re.compile(r"[A-Za-z0-9_.][\w.+-]{0,254}", re.ASCII)
# what stands below a repository on the forges, and hence ends a GitLab path that was written without its "/-/"
_REPOSITORY_PAGES = (
    "issues merge_requests pulls pull blob tree raw commits commit releases tags wiki wikis blame archive src branch "
    "actions milestones labels projects network graphs compare edit find"
)
_BELOW = frozenset(_REPOSITORY_PAGES.split())


def _project_path(forge: Forge, path: list[str], no_owner: Container[str]) -> str | None:
    if len(path) < 2 or path[0].lower() in no_owner:
        return None
    if forge == "gitlab":
        end = (
            path.index("-") if "-" in path else next((at for at, word in enumerate(path) if at > 1 and word in _BELOW), len(path))
        )
        segments = path[: min(end, 20)]
    else:
        segments = path[:2]
    segments[-1:] = [re.sub(r"\.git$", "", segments[-1])] if segments else []
    if len(segments) < 2 or not all(_SEGMENT.fullmatch(segment) and segment.strip(".") for segment in segments):
        return None
    found = "/".join(segments)
    return None if found.lower() in _NO_HOME or segments[-1] == ".github" else found


def _from_pages(url: str) -> Repository | None:
    """`https://owner.github.io/name/` is built from owner/name, as a rule: the weakest of hints."""
    parts = _split(url)
    host = parts.hostname if parts else None
    for suffix, (forge, home) in _PAGES.items():
        if parts and host and host.endswith(suffix):
            owner, first = host.removesuffix(suffix), next((part for part in parts.path.split("/") if part), None)
            if first and "." not in owner and _SEGMENT.fullmatch(first) and _SEGMENT.fullmatch(owner):
                return Repository(forge=forge, host=home, path=f"{owner}/{first}")
    return None


# --- a package -------------------------------------------------------------------------------------------------------


def find(project: Project, version: str, hosts: Mapping[str, Forge] | None = None) -> Flow[Repository | Gap]:
    """Where the project is developed, by the links of `version`, and where those don't tell by those of its newest release.

    Old releases often name no repository that newer ones do. A Gap says why there is none, also when the index doesn't answer.
    `hosts` (with their ports) are known to run these forges.
    """
    try:
        own = yield from metadata(project, version)
    except UpstreamError as error:
        return unknown(project.name, error)
    return (yield from home(project, own, hosts))


def unknown(name: str, error: UpstreamError) -> Gap:
    """That the links of a package could not be read."""
    return Gap(subject=name, reason=error.reason, detail=f"its links are not known: {error.detail}", hint=_hint(name))


def home(project: Project, own: Metadata, hosts: Mapping[str, Forge] | None = None) -> Flow[Repository | Gap]:
    """The same, when the metadata of the version is at hand."""
    found = locate(own.links, project.name, hosts)
    newest = next((release.version for release in reversed(project.releases) if project.files_of(release.version)), own.version)
    if isinstance(found, Repository) or newest == own.version:
        return found
    try:
        latest = yield from metadata(project, newest)
    except UpstreamError:
        return found
    second = locate(latest.links, project.name, hosts)
    return second if isinstance(second, Repository) else found


# --- all links of a package ------------------------------------------------------------------------------------------


def locate(links: Mapping[str, str], name: str, hosts: Mapping[str, Forge] | None = None) -> Repository | Gap:
    """Where the package `name` is developed, by its `links` (label → URL); a Gap that says why where they don't tell.

    `hosts` (with their ports) are known to run these forges; of others the name or one of the links has to tell.
    """
    hosts = {**(hosts or {})} | {found.host: found.forge for url in links.values() if (found := parse_repository(url))}
    candidates = [item for label, url in links.items() if (item := _candidate(label, url, name, hosts))]
    if not candidates:
        return _nowhere(links, name)
    best = _best(candidates)
    rivals = {item.key: item.repository for item in candidates if (item.strength, item.alike) == (best.strength, best.alike)}
    if len(rivals) > 1:
        urls = " and ".join(sorted(repository.url for repository in rivals.values())[:3])
        return _gap(name, "ambiguous-repository", f"the links of {name} point to {urls}, and nothing tells which is its own")
    return best.repository


def _best(candidates: list[_Candidate]) -> _Candidate:
    first = max(candidates, key=lambda item: (item.strength, item.alike))
    # A leftover of a template or of the project it was forked from: the label promises, but another link bears the name.
    if first.alike < 0.5:
        named = [item for item in candidates if item.alike >= _ALIKE and item.strength >= _SURE["changelog"]]
        if named:
            return max(named, key=lambda item: (item.strength, item.alike))
    return first


def _candidate(label: str, url: str, name: str, hosts: Mapping[str, Forge]) -> _Candidate | None:
    kind = _kind(label)
    if kind == "funding":
        return None
    # where one link tells which forge a host runs, the others on that host need not
    repository = parse_repository(url) or parse_repository(url, hosts.get(host_of(url)))
    strength = _SURE.get(kind, 1)
    if repository is None:
        repository, strength = _from_pages(url), 0
    if repository is None:
        return None
    alike = _alike(name, repository.path)
    if strength < _SURE["changelog"] and alike < _ALIKE:
        return None
    return _Candidate(repository=repository, strength=strength, alike=alike)


def _kind(label: str) -> str:
    plain = re.sub(r"[\W_]+", "", label).lower()
    if plain in _EXACT:
        return _EXACT[plain]
    if any(word in plain for word in _FOREIGN):
        return "other"
    return next((kind for kind, words in _KINDS if any(word in plain for word in words)), "other")


def _alike(name: str, path: str) -> float:
    """How much the repository's name resembles the package's, 0 to 1, blind to "python" and "py" around either."""
    from difflib import SequenceMatcher

    package, repository = (_core(normalize(text)) for text in (name, path.rsplit("/", 1)[-1]))
    if package == repository:
        return 1.0
    words, others = set(package.split("-")), set(repository.split("-"))
    if words <= others or others <= words:
        return 0.9
    return SequenceMatcher(None, package[:100], repository[:100], autojunk=False).ratio()


def _core(name: str) -> str:
    words = [word for word in name.split("-") if word not in ("python", "py", "lib", "library")]
    text = "-".join(words) or name
    return text[2:] if text.startswith("py") and len(text) > 4 else text


# --- why not ---------------------------------------------------------------------------------------------------------


def _nowhere(links: Mapping[str, str], name: str) -> Gap:
    if not links:
        return _gap(name, "no-repository", "publishes no links")
    for url in links.values():
        where = _elsewhere(url)
        if where is not None:
            host = urlsplit(where).hostname
            detail = f"{name} is developed at {where}, and lockblame can't ask {host}"
            return Gap(subject=name, reason="unknown-forge", detail=detail, hint=f"open {_tracker(links, where)} by hand")
    for label, url in links.items():
        parts = _split(url)
        if parts and parts.hostname and _kind(label) == "source" and parse_repository(url, "gitea"):
            where = f"https://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]
            if host_of(url).partition(":")[0] in _WHERE:
                continue
            detail = f"which forge runs at {host_of(url)} is not known, where {name} is developed ({where})"
            settled = f'{normalize(name)} = {{ url = "{where}", forge = "gitlab|gitea|github" }}'
            hint = f"open {_tracker(links, where)} by hand, or say which it is below [upstreams] in lockblame.toml: {settled}"
            return Gap(subject=name, reason="unknown-forge", detail=detail, hint=hint)
    hosts = sorted({host for url in links.values() if (parts := _split(url)) and (host := parts.hostname)})
    seen = f" (they lead to {', '.join(hosts[:4])})" if hosts else ""
    return _gap(name, "no-repository", f"none of its links points into a repository of its own{seen}")


def _elsewhere(url: str) -> str | None:
    """The address, where it is one of a forge that lockblame can't ask; without credentials and query."""
    parts = _split(url)
    host = parts.hostname if parts else None
    if parts and host and any(host == other or host.endswith("." + other) for other in _OTHER_FORGES):
        return f"https://{host}{parts.path}"[:200]
    return None


def asked_by_hand(url: str) -> str | None:
    """Where a person finds the issues of a repository at `url`, on a forge that lockblame can't ask; None for other addresses."""
    where = _elsewhere(url)
    if where is None:
        return None
    bare = where.removeprefix("https://").removeprefix("www.").rstrip("/")
    return next((made.format(found[1]) for shape, made in _TRACKERS if (found := re.fullmatch(shape, bare))), where)


def _tracker(links: Mapping[str, str], where: str) -> str:
    """The link to the issues that the package publishes (a Jira, say), else what `where` lets expect."""
    for label, url in links.items():
        parts = _split(url)
        if parts and _kind(label) == "tracker":
            return f"https://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]
    return asked_by_hand(where) or where


def _gap(name: str, reason: str, detail: str) -> Gap:
    return Gap(subject=name, reason=reason, detail=detail, hint=_hint(name))


def _hint(name: str) -> str:
    return f'add {normalize(name)} = "https://HOST/OWNER/REPOSITORY" below [upstreams] in lockblame.toml'
