"""An export imported: what goes into the usage, pools and commitments files, and where they are put.

Not here: reading the export (`forecasting.usage`), the files as bytes (`optimizer.report.importing`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from forecasting.errors import InputError, Problem
from forecasting.usage.aws_names import family_and_size, floats_over_sizes, size_factor
from forecasting.usage.commitment_lines import RecoveredCommitment
from forecasting.usage.imported import Imported, ImportRequest, import_export
from forecasting.usage.judged import JudgedPool
from forecasting.usage.offer_names import offer_name
from optimizer.errors import OutputError
from optimizer.jobs.versions import versions
from optimizer.outputs import Content, write_outputs
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

REPORT_SUFFIX = ".import.json"
MONEY_CURRENCY = "USD"
WAYS_OUT = (
    "Export a longer time, add it by hand to a commitments file, or give --unrecovered leave-out to go on without it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutputs:
    """Where the files go.

    Attributes
    ----------
    usage : Path
        Parquet, or CSV where it is named so.
    commitments, pools : Path or None
    """

    usage: Path
    commitments: Path | None
    pools: Path | None

    @property
    def report(self) -> Path:
        """Beside the usage, named after it."""
        return self.usage.with_name(self.usage.stem + REPORT_SUFFIX)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them; the usage comes last, so that it is not there unless the others are."""
        given = (self.commitments, self.pools, self.report, self.usage)
        return tuple(path for path in given if path is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """A file of the export, for the record.

    Attributes
    ----------
    name : str
    n_bytes : int
    """

    name: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportAnswer:
    """What an import found.

    Attributes
    ----------
    format : str
        focus, cur, azure or gcp.
    imported : Imported
    commitments : tuple of Commitment
    pools : tuple of Pool
    files : tuple of ImportFile
    versions : tuple of (str, str)
    """

    format: str
    imported: Imported
    commitments: tuple[Commitment, ...]
    pools: tuple[Pool, ...]
    files: tuple[ImportFile, ...]
    versions: tuple[tuple[str, str], ...]


def check_outputs(outputs: ImportOutputs, inputs: Iterable[Path]) -> None:
    """Refuse outputs that stand in each other's way or in that of an input, before any work is done.

    Raises
    ------
    OutputError
    """
    read = {path.resolve() for path in inputs}
    seen: dict[Path, Path] = {}
    for path in outputs.paths:
        place = path.resolve()
        if place in read:
            msg = f"{str(path)!r}: would overwrite an input. Choose another name."
            raise OutputError(msg)
        if place in seen:
            msg = f"{str(path)!r}: is named for two outputs. Choose another name for one of them."
            raise OutputError(msg)
        if path.is_dir() or path.name in {"", ".", ".."}:
            msg = f"{str(path)!r}: must be a file, got a directory. Name the file in it."
            raise OutputError(msg)
        seen[place] = path


def import_usage(request: ImportRequest, *, leaves_out_unrecovered: bool) -> ImportAnswer:
    """Read an export and say what it holds.

    Parameters
    ----------
    request : ImportRequest
    leaves_out_unrecovered : bool
        Whether commitments that the export does not tell whole are left out, and reported, instead of refused.

    Raises
    ------
    InputError
        If the export is wrong, or names commitments that it does not tell whole.
    """
    imported = import_export(request)
    found = imported.recovered
    if found is not None and found.unrecovered and not leaves_out_unrecovered:
        raise _unrecovered(imported)
    owned = () if found is None else found.commitments
    _refuse_foreign_money(owned, imported.currency)
    return ImportAnswer(
        format=request.name,
        imported=imported,
        commitments=tuple(_commitment(one) for one in owned),
        pools=tuple(_pool(one) for one in imported.pools),
        files=tuple(
            ImportFile(name=path.name, n_bytes=path.stat().st_size) for path in (*request.paths, *request.subscriptions)
        ),
        versions=versions(),
    )


def write_import(outputs: ImportOutputs, files: Mapping[Path, Content]) -> None:
    """Put the files where they go, those of one folder all or none.

    Raises
    ------
    OutputError
        If any cannot be written.
    """
    by_folder: dict[Path, dict[str, Content]] = {}
    for path in outputs.paths:
        by_folder.setdefault(path.parent, {})[path.name] = files[path]
    for folder, contents in by_folder.items():
        write_outputs(folder, contents)


def _unrecovered(imported: Imported) -> InputError:
    """Error that names what is lacking of each commitment: going on would plan as if they were not owned."""
    found = imported.recovered
    problems = [
        Problem(message=f"commitment {one.commitment_id!r} ({one.known}) lacks {one.lacks}. {WAYS_OUT}")
        for one in (found.unrecovered if found is not None else ())
    ]
    msg = "the portfolio in the export"
    return InputError(msg, problems)


def _refuse_foreign_money(owned: Iterable[RecoveredCommitment], currency: str) -> None:
    """Refuse plans in another currency: nothing here converts money."""
    plans = [one for one in owned if one.offer.kind.endswith("savings_plan")]
    if plans and currency != MONEY_CURRENCY:
        message = f"plans must be in USD per hour, got {currency!r}. Leave --commitments-out away, and convert by hand."
        msg = "the portfolio in the export"
        raise InputError(msg, [Problem(message=message)])


def _commitment(one: RecoveredCommitment) -> Commitment:
    """Commitment as in a commitments file."""
    return Commitment(
        commitment_id=one.commitment_id,
        offer_id=offer_name(one.offer),
        quantity=one.quantity,
        start_hour=one.start_hour,
        end_hour=one.end_hour,
        account=one.account,
        zone=one.zone,
        scope=one.scope,
    )


def _family_and_size(provider: str, item: str) -> tuple[str, str]:
    """Family and size in a type; of Google's machines the series, which sustained-use discounts go by."""
    if provider == "aws":
        return family_and_size(item)
    if provider == "gcp":
        series, _, size = item.partition("-")
        return series, size
    return item, ""


def _pool(one: JudgedPool) -> Pool:
    """Pool as in a pools file; what ran on spot is the share of it that may."""
    is_aws = one.key.provider == "aws"
    family, size = _family_and_size(one.key.provider, one.key.item)
    has_factor = is_aws and floats_over_sizes(one.key.item)
    return Pool(
        name=one.name,
        family=family,
        size=size,
        normalization_factor=size_factor(one.key.item) if has_factor else None,
        account=one.key.account,
        zone=one.key.zone,
        platform=one.key.platform,
        tenancy=one.key.tenancy,
        spot_eligible_fraction=float(one.spot_unit_hours / one.unit_hours) if one.unit_hours > 0 else 0.0,
    )
