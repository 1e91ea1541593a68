"""What the ingestion commands show a person: bars while they wait, tables when it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.simulator import Simulation
from pipelines.ingestion.summary import ImportSummary

console = Console(highlight=False)
if not console.is_terminal:
    console.width = 160  # a file or a pipe does not wrap

_STAGES = {"read": "reading the file", "store": "storing events", "simulate": "living lives"}


class Bars:
    """A progress bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = None

    def begin(self, stage: str, total: int) -> None:
        self._task = self._progress.add_task(_STAGES.get(stage, stage), total=total)

    def reach(self, done: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars that are drawn while the block runs, and gone after it."""
    columns = (TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress)


def show_summary(summary: ImportSummary) -> None:
    """What became of every row, and of every event in them."""
    if summary.held_back_because is not None:
        console.print(
            f"[bold yellow]held back[/] {summary.file_name}: {summary.held_back_because}. "
            "Nothing of it was stored."
        )
        return
    table = Table(
        title=f"{summary.file_name}  ({summary.mapping}, cohort {summary.cohort})",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_column("meaning", style="dim")
    for name, count, meaning in _lines(summary):
        table.add_row(name, f"{count:,}", meaning)
    console.print(table)
    types = ", ".join(f"{name} {count:,}" for name, count in summary.types.most_common())
    console.print(f"By type: {types}" if types else "No events.", style="dim")
    if summary.not_read:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.not_read.most_common())
        console.print(f"Not read, since AURORA has no such type: {kinds}", style="dim")
    rate = summary.events / summary.seconds if summary.seconds else 0
    console.print(f"{summary.people:,} people, {summary.seconds:.1f} s, {rate:,.0f} events/s", style="dim")
    if summary.zone is not None:
        console.print(
            f"Local days, and times without an offset, are those of {summary.zone}. Was it another zone? "
            "Import again with --tz.",
            style="dim",
        )
    if summary.rejected:
        console.print(
            f"The rejected ones are kept, with reasons, in raw.rejected_events (batch_id {summary.batch_id})",
            style="dim",
        )


def _lines(summary: ImportSummary) -> Iterator[tuple[str, int, str]]:
    yield "rows", summary.rows, "in the file; of an export, its records"
    yield "  with events", summary.rows_with_events, "hold at least one good event"
    yield "  empty", summary.rows_empty, "hold nothing that the mapping reads"
    if summary.not_read:
        yield "  not read", summary.rows_not_read, "are of a type that AURORA has none for, see below"
    yield "  rejected", summary.rows_rejected, "hold no good event, and something wrong"
    yield "events", summary.events, "in these rows"
    yield "  accepted", summary.outcomes["accepted"], "new in the log"
    yield "  duplicate", summary.outcomes["duplicate"], "were there already: nothing changed"
    yield "  superseded", summary.outcomes["superseded"], "stored, and a later version is there too"
    yield "  conflict", summary.outcomes["conflict"], "same event and version, another body: the first stays"
    yield "  rejected", summary.outcomes["rejected"], "cannot be accepted"
    for code, count in sorted(summary.reasons.items()):
        yield f"    {code}", count, "dead letters with this reason"


def show_mappings(mappings: Iterable[Mapping]) -> None:
    """The shipped mappings."""
    table = Table("mapping", "format", "people", "events", "of")
    for mapping in mappings:
        types = sorted({event.type for event in mapping.event_mappings}) or ["any, in the envelope"]
        whose = f"column {mapping.user}" if mapping.user else "--user"
        written = "export" if mapping.is_export else mapping.format
        table.add_row(mapping.name, written, whose, "\n".join(types), mapping.title)
    console.print(table)
    console.print(
        "Your own table: write a mapping like these and pass its path, --mapping my.yaml", style="dim"
    )


def show_ceiling(simulation: Simulation) -> None:
    """How well anyone could do on these people, and whether the targets lie below that."""
    ceiling, spec = simulation.ceiling, simulation.spec
    is_whole = spec.told_until == spec.ends_at
    until = str(spec.ends_on) if is_whole else f"{spec.told_until:%Y-%m-%d %H:%M} UTC"
    table = Table(
        title=f"{spec.cohort}: {spec.users} people × {spec.days} days until {until}, "
        f"{simulation.event_count:,} events, {ceiling.ratings:,} ratings",
        title_justify="left",
        title_style="bold",
    )
    for name in ("", "energy MAE", "energy R²", "mood accuracy", "mood macro-F1"):
        table.add_column(name, justify="left" if not name else "right")
    for name, scores in (("best attainable", ceiling.attainable), ("own mean so far", ceiling.baseline)):
        values = (scores.energy_mae, scores.energy_r2, scores.mood_accuracy, scores.mood_macro_f1)
        table.add_row(name, *(f"{value:.3f}" for value in values))
    console.print(table)
    for verdict in ceiling.verdicts():
        console.print(f"  {verdict}", style="red" if "OUT OF REACH" in verdict else "dim")
