import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import add_months, date_of_hour, hour_of_date
from optimizer.calendar_dates import discount_factors, planning_timeline

AS_OF = hour_of_date("2023-11-30")


@pytest.mark.parametrize(("terms", "cadence"), [((12,), 3), ((12, 36), 3), ((36,), 12), ((12,), 24)])
def test_columns_stand_for_every_hour_of_window_and_tail_once(terms: tuple[int, ...], cadence: int):
    timeline = planning_timeline(AS_OF, cadence_months=cadence, terms_months=terms)
    hours, weights = timeline.columns()
    inside = timeline.in_window(hours)
    assert np.all(np.diff(hours) > 0)
    assert_allclose(weights[inside].sum(), timeline.end_hour - timeline.start_hour)
    assert_allclose(weights[~inside].sum(), timeline.valued_end_hour - timeline.end_hour)
    # a column stands for itself and the hours up to the next one
    ends = np.append(hours[1:], timeline.valued_end_hour)
    assert_allclose(weights, ends - hours)


def test_the_window_is_the_longest_term_and_purchases_come_at_the_cadence():
    timeline = planning_timeline(AS_OF, cadence_months=3, terms_months=(12,))
    dates = [date_of_hour(int(hour)).isoformat() for hour in timeline.decision_hours]
    assert dates == ["2023-11-30", "2024-02-29", "2024-05-30", "2024-08-30"]
    assert timeline.end_hour - timeline.start_hour == 8760
    # the last purchase runs out where the tail ends
    assert timeline.valued_end_hour == int(timeline.decision_hours[-1]) + 8760
    tail = [date_of_hour(int(hour)).isoformat() for hour in timeline.tail_hours]
    assert tail == ["2024-11-30", "2025-02-28", "2025-05-30"]


@pytest.mark.parametrize(("terms", "cadence"), [((12,), 3), ((1, 12), 1), ((12, 36), 6), ((36,), 12), ((1,), 3)])
def test_dates_go_on_at_the_cadence_to_the_end_of_the_last_purchase(terms: tuple[int, ...], cadence: int):
    timeline = planning_timeline(AS_OF, cadence_months=cadence, terms_months=terms)
    dates = [*timeline.decision_hours.tolist(), *timeline.tail_hours.tolist()]
    assert dates == [add_months(AS_OF, cadence * number) for number in range(len(dates))]
    assert np.all(timeline.decision_hours < timeline.end_hour)
    assert np.all((timeline.tail_hours >= timeline.end_hour) & (timeline.tail_hours < timeline.valued_end_hour))
    if len(timeline.decision_hours) > 1:
        assert add_months(AS_OF, cadence * len(dates)) >= timeline.valued_end_hour


def test_one_date_needs_no_tail():
    timeline = planning_timeline(AS_OF, cadence_months=24, terms_months=(12,))
    assert timeline.valued_end_hour == timeline.end_hour
    assert len(timeline.tail_hours) == 0


def test_discount_is_one_at_rate_zero_and_falls_by_the_rate_over_a_year():
    hours = AS_OF + np.arange(0, 3 * 8760, 24)
    assert_allclose(discount_factors(hours, as_of_hour=AS_OF, rate_yearly=0.0), 1.0)
    factors = discount_factors(hours, as_of_hour=AS_OF, rate_yearly=0.08)
    assert_allclose(factors[410] / factors[45], 1 / 1.08, rtol=1e-3)  # a calendar year is a day longer in 2024
    assert np.all(np.diff(factors) <= 0)
    exact = 1.08 ** (-(hours - AS_OF) / 8760)
    assert_allclose(factors.mean(), exact.mean(), rtol=2e-3)
