import numpy as np
import pytest

from forecasting.request import ForecastRequest, ForecastSettings


def test_hours_and_weights_cannot_be_changed():
    request = ForecastRequest(as_of_hour=100, hours=np.array([100, 105]), hour_weights=np.array([5.0, 5.0]))
    for array in (request.hours, request.hour_weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


def test_without_more_said_there_are_no_drivers_and_the_usual_settings():
    request = ForecastRequest(as_of_hour=100, hours=np.array([100]), hour_weights=np.ones(1))
    assert request.drivers is None
    assert request.settings == ForecastSettings(n_paths=200, n_scenarios=40, holiday_country="US")
    assert request.roadmap_source == "the roadmap"


@pytest.mark.parametrize("hours", [[99, 101], [101, 101], [102, 101], []], ids=["before", "twice", "falling", "none"])
def test_hours_must_rise_from_as_of_on(hours):
    with pytest.raises(ValueError, match=r"hours must be strictly increasing from as-of \(100\) on, got \["):
        ForecastRequest(as_of_hour=100, hours=np.array(hours, dtype=np.int64), hour_weights=np.ones(len(hours)))


@pytest.mark.parametrize("n_scenarios", [0, 11])
def test_scenarios_are_chosen_among_the_paths(n_scenarios):
    with pytest.raises(ValueError, match=rf"between 1 and n_paths \(10\), got {n_scenarios}\."):
        ForecastSettings(n_paths=10, n_scenarios=n_scenarios)
    assert ForecastSettings(n_paths=10, n_scenarios=10).n_scenarios == 10
