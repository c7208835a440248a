import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.clock_hour import Run, covered_seconds, ran_seconds, whole_hours
from optimizer.billing.aws.order import settle
from optimizer.billing.settlement import Holding, Stage, UsageLines

HOUR = 3600
FIRST_HOUR = 2
SPAN = range(FIRST_HOUR * HOUR, (FIRST_HOUR + 2) * HOUR)
runs_of = st.lists(
    st.builds(
        lambda start, length, draw: Run(start_second=start, end_second=start + length, draw=draw),
        start=st.integers(FIRST_HOUR * HOUR - 600, (FIRST_HOUR + 2) * HOUR),
        length=st.integers(0, 2 * HOUR),
        draw=st.sampled_from([0.25, 0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=4,
)


def naive_seconds(runs, reserved_count):
    """Second by second, smaller sizes first, all that run at once drawing together."""
    covered = np.zeros((len(runs), 2))
    for hour in range(2):
        left = reserved_count * HOUR
        for draw in sorted({run.draw for run in runs}):
            sized = [row for row, run in enumerate(runs) if run.draw == draw]
            for second in SPAN[hour * HOUR : (hour + 1) * HOUR]:
                running = [row for row in sized if runs[row].start_second <= second < runs[row].end_second]
                if running and left > 0.0:
                    part = min(1.0, left / (draw * len(running)))
                    covered[running, hour] += part
                    left -= part * draw * len(running)
    return covered


@pytest.mark.slow
@given(runs=runs_of, reserved_count=st.sampled_from([0.0, 0.3, 1.0, 2.0, 5.0]))
def test_it_agrees_with_a_loop_over_seconds(runs, reserved_count):
    covered = covered_seconds(runs, reserved_count, first_hour=FIRST_HOUR, n_hours=2)
    assert_allclose(covered, naive_seconds(runs, reserved_count), atol=1e-6)


@given(runs=runs_of, reserved_count=st.sampled_from([0.0, 0.3, 1.0, 2.0, 5.0]))
def test_it_agrees_with_the_order_of_application_on_hourly_totals(runs, reserved_count):
    ran = ran_seconds(runs, first_hour=FIRST_HOUR, n_hours=2) / HOUR
    usage = UsageLines(
        names=[f"{row}" for row in range(len(runs))],
        accounts=[""] * len(runs),
        on_demand_usd=np.ones(len(runs)),
        units=ran,
    )
    holding = Holding(
        label="ri",
        stage=Stage.REGIONAL_RESERVATION,
        lines=range(len(runs)),
        draw=[run.draw for run in runs],
        quantity=[reserved_count] * 2,
    )
    used = settle(usage, [holding]).used_quantity[0]
    covered = covered_seconds(runs, reserved_count, first_hour=FIRST_HOUR, n_hours=2)
    assert_allclose([run.draw for run in runs] @ covered / HOUR, used, atol=1e-9)
    assert (covered <= ran * HOUR + 1e-9).all()


def test_four_quarters_of_an_hour_fit_into_one_reservation_and_four_whole_hours_do_not():
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/concepts-reserved-instances-application.html"""
    quarters = [Run(start_second=900 * row, end_second=900 * (row + 1)) for row in range(4)]
    assert covered_seconds(quarters, 1, first_hour=0, n_hours=1).sum() == 3600
    together = covered_seconds([Run(start_second=0, end_second=3600)] * 4, 1, first_hour=0, n_hours=1)
    assert_allclose(together[:, 0], [900] * 4)


def test_who_starts_after_the_benefit_is_used_up_gets_none_of_it():
    runs = [Run(start_second=0, end_second=3600)] * 2 + [Run(start_second=1800, end_second=3600)]
    assert_allclose(covered_seconds(runs, 1, first_hour=0, n_hours=1)[:, 0], [1800, 1800, 0])


def test_what_one_hour_leaves_is_lost_for_the_next():
    runs = [Run(start_second=3599, end_second=7200)] * 2
    assert_allclose(covered_seconds(runs, 1, first_hour=0, n_hours=2), [[1, 1800], [1, 1800]])


def test_platforms_billed_by_the_hour_count_every_hour_touched():
    assert whole_hours(Run(start_second=3599, end_second=3601)) == Run(start_second=0, end_second=7200)
    assert whole_hours(Run(start_second=50, end_second=50)) == Run(start_second=50, end_second=50)


@pytest.mark.parametrize("wrong", [{"end_second": -1}, {"end_second": 5, "draw": 0.0}])
def test_a_run_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must end at or after its start and draw more than 0"):
        Run(start_second=0, **wrong)
