"""The formats of exports that can be read, by name: how lines are told apart, and how commitments are found.

Not here: their columns and rules.
"""

from collections.abc import Callable, Sequence

from forecasting.usage.azure import AZURE
from forecasting.usage.commitment_lines import Recovered
from forecasting.usage.cur import CUR
from forecasting.usage.cur_commitments import cur_commitments
from forecasting.usage.engine import Connection
from forecasting.usage.focus import FOCUS
from forecasting.usage.focus_commitments import focus_commitments
from forecasting.usage.gcp import GCP
from forecasting.usage.other_commitments import azure_commitments, gcp_commitments
from forecasting.usage.totals import Batch

Recoverer = Callable[[Connection, Sequence[Batch], str], Recovered]

DIALECTS = {dialect.name: dialect for dialect in (FOCUS, CUR, AZURE, GCP)}
RECOVERERS: dict[str, Recoverer] = {
    "focus": focus_commitments,
    "cur": cur_commitments,
    "azure": azure_commitments,
    "gcp": gcp_commitments,
}
