"""Where pins come from: URLs of indexes, repositories and archives, as Sources, without the credentials that some carry."""

from __future__ import annotations

import re

from lockblame.model import Secret, Source

_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/@?#]*)@")
_INSIDE = re.compile(r"://[^/@\s]{1,300}@")
_SECRET = re.compile(r"(?i)(?:token|secret|passw|signature|sig|credential|auth|key)[^=&]{0,60}=")
_VCS = ("git", "hg", "svn", "bzr")


def clean(url: str) -> str:
    """The URL without user, password and token; the user of an ssh address stays, since it is no secret."""
    if "@" in url and (found := _USER.match(url)):
        scheme, user = found.groups()
        kept = user.partition(":")[0] + "@" if "ssh" in scheme and "$" not in user else ""
        url = scheme + kept + url[found.end() :]
    head, mark, query = url.partition("?")
    if mark and _SECRET.search(query):
        query, hash_mark, fragment = query.partition("#")
        parts = "&".join(part for part in query.split("&") if not _SECRET.search(part))
        url = head + (mark + parts if parts else "") + hash_mark + fragment
    return url


def shown(text: str) -> str:
    """A text that can't be understood, as messages quote it: short, and without what may be a password."""
    return repr(_INSIDE.sub("://…@", text[:2000])[:80])


def without(url: str) -> str:
    """The clean URL without query and fragment."""
    return clean(url.partition("#")[0].partition("?")[0])


def parameters(text: str) -> dict[str, str]:
    """The `a=b&c=d` of a query or fragment; the last of several wins."""
    pairs = (part.partition("=") for part in text.split("&"))
    return {key: unquoted(value) for key, sign, value in pairs if sign}


def unquoted(text: str) -> str:
    """The text with its %xx escapes undone."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def is_plain(url: str) -> bool:
    """Whether there is nothing to clean or to undo in a URL: no user, query, fragment or escape, as in nearly all of a lock."""
    # A third of what a regular expression takes, and there are thousands of them.
    return not ("@" in url or "?" in url or "%" in url or "#" in url or "\\" in url or url.endswith("/"))


def file_name(url: str) -> str:
    """The last part of a URL's or file's path: the name of the archive."""
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    return unquoted(path.replace("\\", "/").rpartition("/")[2])


def git(url: str, revision: str | None = None, subdirectory: str | None = None) -> Source:
    """The Source of a repository; fragment and query of the URL go, the commit is given apart."""
    address = url.removeprefix("git+")
    location = without(address)
    return Source(
        kind="git",
        location=location or None,
        revision=revision or None,
        subdirectory=subdirectory or None,
        # what is not encrypted isn't trusted with a token
        access=Secret(address) if location.lower().startswith("https://") and _USER.match(address) else None,
    )


def archive(url: str, subdirectory: str | None = None) -> Source:
    """The Source of one file somewhere on the web; a `file:` URL is a path."""
    if url.lower().startswith("file:"):
        return Source(kind="path", location=without(unquoted(url)), subdirectory=subdirectory)
    return Source(kind="url", location=clean(url.partition("#")[0]), subdirectory=subdirectory or None)


def direct(url: str, *, editable: bool = False) -> Source:
    """The Source of what follows `name @` or `-e`: `git+https://…@ref#subdirectory=…`, an archive, a path."""
    address, _, fragment = url.partition("#")
    subdirectory = parameters(fragment).get("subdirectory")
    scheme, plus, _ = address.partition("+")
    if plus and scheme.lower() in _VCS:
        location, revision = _at(address)
        # Other version control than git has no kind of its own; the prefix in its location says which.
        return git(
            location if scheme.lower() == "git" else address[: len(scheme) + 1] + without(location), revision, subdirectory
        )
    if "://" in address or address.lower().startswith("file:"):
        if editable and address.lower().startswith("file:"):
            return Source(kind="editable", location=without(unquoted(address)), subdirectory=subdirectory)
        return archive(url, subdirectory)
    return Source(kind="editable" if editable else "path", location=address)


def _at(address: str) -> tuple[str, str | None]:
    """A repository address and what follows the last @ of its path."""
    bare = address.partition("+")[2]
    scheme, mark, rest = bare.partition("://")
    if not mark:
        return bare, None
    host, slash, path = rest.partition("/")
    path, sign, revision = path.rpartition("@") if "@" in path else (path, "", "")
    return scheme + mark + host + slash + path, revision if sign else None


def index(url: str | None) -> Source:
    """The Source of a package index."""
    return Source(kind="registry", location=clean(url.partition("#")[0])) if url else Source()
