"""The files of a forecast, by name, ready to be written all or nothing by `optimizer.outputs`.

Not here: what each file says.
"""

from optimizer.jobs.forecast_answer import ForecastAnswer
from optimizer.report.forecast_csv import anomalies_csv, cliffs_csv, events_csv
from optimizer.report.forecast_html import forecast_html
from optimizer.report.forecast_json import forecast_json
from optimizer.report.forecast_tables import (
    daily_peak_parquet,
    decomposition_parquet,
    horizon_peak_parquet,
    hourly_parquet,
)


def forecast_files(answer: ForecastAnswer) -> dict[str, bytes]:
    """Every output file of a forecast. The same forecast gives the same bytes.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    cliffs = {"cliffs.csv": cliffs_csv(answer.causes.cliffs)} if answer.causes.cliffs else {}
    return {
        "hourly.parquet": hourly_parquet(answer),
        "daily_peak.parquet": daily_peak_parquet(answer),
        "horizon_peak.parquet": horizon_peak_parquet(answer),
        "decomposition.parquet": decomposition_parquet(answer),
        "events.csv": events_csv(answer.causes.effects),
        "anomalies.csv": anomalies_csv(answer.causes.anomalies),
        **cliffs,
        "forecast.json": forecast_json(answer),
        "forecast.html": forecast_html(answer),
    }
