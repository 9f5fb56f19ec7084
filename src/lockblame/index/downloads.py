"""A file of a release, whole, and what the index says its hash is."""

from __future__ import annotations

from lockblame.errors import BadResponse
from lockblame.flow import Flow, Request
from lockblame.index.metadata import KEEPS
from lockblame.index.records import File

# the strongest first; what else an index names (md5) proves nothing
_ALGORITHMS = ("sha512", "sha384", "sha256", "blake2b")


def download(file: File, subject: str, *, expected: str | None = None) -> Flow[bytes]:
    """The bytes of `file`. `expected` is a further hash that they must have ("sha256:…"), from a lock.

    Raises NotFound when the index no longer has it, BadResponse when it isn't the file whose hash the index, or the lock, names.
    """
    # a server that packs what is packed already (or says so) would change the hash
    headers = {"Accept-Encoding": "identity"}
    named = next(((name, file.hashes[name]) for name in _ALGORITHMS if file.hashes.get(name)), None)
    response = yield Request(url=file.url, subject=subject, headers=headers, keeps=KEEPS if named else 0.0)
    if named is not None and not _proven(named, response.body):
        # it may be an answer of a former run, from before the index had another one
        response = yield Request(url=file.url, subject=subject, headers=headers)
    for owner, proof in (("index", named), ("lock", _split(expected))):
        if proof is not None and not _proven(proof, response.body):
            raise BadResponse(subject, f"{file.name[:200]} isn't the file whose hash the {owner} names", response.url)
    return response.body


def _proven(proof: tuple[str, str], content: bytes) -> bool:
    return _digest(proof[0], content) == proof[1].strip().lower()


def _split(expected: str | None) -> tuple[str, str] | None:
    name, colon, digest = (expected or "").partition(":")
    return (name.lower(), digest) if colon and name.lower() in _ALGORITHMS else None


def _digest(name: str, content: bytes) -> str:
    import hashlib

    return hashlib.new(name, content, usedforsecurity=False).hexdigest()
