"""What long calls tell about themselves: a delegate with empty methods, to be subclassed by whoever wants to show it."""

from __future__ import annotations


class Progress:
    """Told about each stage of a call; does nothing by itself. Methods may be called from several threads."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """A stage ("reading locks", "asking forges") begins; `total` steps are expected where that is known."""

    def step(self, stage: str, detail: str = "") -> None:
        """One step of the stage is done."""

    def end(self, stage: str) -> None:
        """The stage is over."""

    def note(self, detail: str) -> None:
        """Something worth telling while it happens (a wait, a retry)."""


SILENT = Progress()
