"""What one version says about itself, by the cheapest way that the index allows.

The metadata file of PEP 658, also where the index doesn't tell of one (mirrors leave the hint out); where it isn't there, also
where it was promised, the `METADATA` inside the wheel by HTTP ranges, then the `PKG-INFO` inside the sdist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

from lockblame.errors import AccessRefused, BadResponse, NotFound, UpstreamError
from lockblame.flow import Flow, Request
from lockblame.index.archives import Unreadable, Wheel, from_sdist
from lockblame.index.records import File, Metadata, Project, parsed

_Way = Callable[[str, File], Flow[bytes]]

_MOST_LINKS = 200
_LARGEST_SDIST = 8 * 1024 * 1024
KEEPS = 60 * 24 * 3600.0
"""Seconds for which a file that never changes is answered from the cache: a file name is never given to another content."""


def metadata(project: Project, version: str) -> Flow[Metadata]:
    """What `version` of the project says about itself: its links and requirements.

    Where the page doesn't have that version, the nearest later one is read, else the nearest earlier: links rarely change.
    `Metadata.version` says which it was. Raises NotFound when there is no file to read it from, BadResponse when the file isn't
    what the index promised.
    """
    chosen, files = _files(project, version)
    last: UpstreamError | None = None
    for way, file in _ways(files):
        try:
            body = yield from way(f"{project.name} {chosen}", file)
            return _read(project.name, chosen, body, file.url)
        except NotFound as error:
            last = error
        except BadResponse as error:
            if way is _beside and file.metadata_url and not isinstance(error, AccessRefused):
                raise  # another file than the index promised is its fault, and must not be papered over
            last = error
    raise last or NotFound(project.name, f"the index has no file of {chosen} that holds its metadata", project.url)


def _files(project: Project, version: str) -> tuple[str, tuple[File, ...]]:
    """The version to read, and its files: the one asked for, else its nearest neighbour that has any."""
    files = project.files_of(version)
    if files:
        return version, files
    asked = parsed(version)
    known = [(number, release.version) for release in project.releases if (number := parsed(release.version))]
    later = [text for number, text in known if asked is None or number > asked]
    earlier = [text for number, text in reversed(known) if asked is not None and number < asked]
    return next(((text, found) for text in (*later, *earlier) if (found := project.files_of(text))), (version, ()))


def _ways(files: tuple[File, ...]) -> Iterator[tuple[_Way, File]]:
    promised = [file for file in files if file.metadata_url]
    wheels = sorted((file for file in files if file.name.endswith(".whl")), key=lambda file: (file.size or 0, file.name))
    for file in (promised or wheels)[:1]:
        yield _beside, file
        # proxies pass the promise on and don't have the file: 404, or 403 where their storage tells nobody what it lacks
        if file.name.endswith(".whl"):
            yield _inside, file
    sdists = [file for file in files if file.name.endswith((".tar.gz", ".tgz", ".zip")) and (file.size or 0) <= _LARGEST_SDIST]
    for sdist in sdists[:1]:
        yield _unpacked, sdist


def _beside(subject: str, file: File) -> Flow[bytes]:
    """The metadata file that stands beside the distribution (PEP 658)."""
    import hashlib

    expected = file.metadata_hashes.get("sha256")
    url = file.metadata_url or f"{file.url}.metadata"
    response = yield Request(url=url, subject=subject, keeps=KEEPS if expected or file.hashes else 0.0)
    if expected and hashlib.sha256(response.body).hexdigest() != expected.lower():
        # it may be an answer of a former run, from before the index had another one
        response = yield Request(url=url, subject=subject)
        if hashlib.sha256(response.body).hexdigest() != expected.lower():
            raise BadResponse(subject, "the metadata file isn't the one whose hash the index names", response.url)
    return response.body


def _inside(subject: str, file: File) -> Flow[bytes]:
    """The METADATA inside the wheel, of which only the end and the needed part are fetched."""
    wheel = Wheel()
    try:
        span = wheel.wants()
        while span is not None:
            response = yield Request(
                url=file.url,
                subject=subject,
                headers={"Range": f"bytes={span}", "Accept-Encoding": "identity"},
                keeps=KEEPS if file.hashes else 0.0,
            )
            wheel.take(response)
            span = wheel.wants()
        return wheel.metadata()
    except Unreadable as error:
        raise BadResponse(subject, f"{file.name[:200]} {error}", file.url) from None


def _unpacked(subject: str, file: File) -> Flow[bytes]:
    """The PKG-INFO inside the sdist, which is fetched whole."""
    response = yield Request(url=file.url, subject=subject, keeps=KEEPS if file.hashes else 0.0)
    try:
        return from_sdist(file.name, response.body)
    except Unreadable as error:
        raise BadResponse(subject, f"{file.name[:200]} {error}", file.url) from None


# --- what it says ----------------------------------------------------------------------------------------------------


def _read(name: str, version: str, body: bytes, url: str) -> Metadata:
    from packaging.metadata import parse_email

    raw, unparsed = parse_email(body)
    if not raw.get("name") or not raw.get("version"):
        raise BadResponse(name, f"the metadata of {version} has no name and version", url)
    pairs: list[tuple[str, str | None]] = list((raw.get("project_urls") or {}).items())
    # where a label occurs twice packaging parses none of the lines; they are as good as others
    pairs += [
        (label.strip(), link.strip()) for line in unparsed.get("project-url", ()) for label, _, link in [line.partition(",")]
    ]
    links: dict[str, str] = {}
    for label, link in [*pairs, ("Homepage", raw.get("home_page")), ("Download", raw.get("download_url"))][:_MOST_LINKS]:
        clean, label = _plain_link(link), label[:200]
        if clean:
            links[label if links.get(label, clean) == clean else f"{label} ({len(links)})"] = clean
    return Metadata(
        name=name,
        version=version,
        links=links,
        requires_dist=tuple(raw.get("requires_dist") or ()),
        requires_python=raw.get("requires_python"),
        summary=raw.get("summary"),
    )


def _plain_link(url: str | None) -> str | None:
    """`url` when it is a web link (also `git+https`), without credentials; else None."""
    if not url or len(url) > 2000:
        return None
    try:
        parts = urlsplit(url.strip().removeprefix("git+"))
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port
    except ValueError:
        return None
    return urlunsplit(parts._replace(netloc=host)) if parts.scheme in ("http", "https") and host else None
