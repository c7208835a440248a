"""Smoothed objective of quantities with its gradient, and the lower bound at the prices that it finds.

The bound is weak duality [1]_: with y the worth of a unit of demand in an hour, at most its on-demand price, and each
commitment priced in each hour at the least that no unit of demand exceeds, cost >= sum of y x demand + what owned
commitments cost beyond their prices - for each purchase, what its prices exceed its cost by x the most that is of use.
Any y will do; here it is the slope of the smoothed cost in demand, which near the optimum leaves next to no excess.

Not here: the loop over hours (`optimizer.smooth_kernel`), the search (`optimizer.first_order`).

References
----------
.. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974.
   doi:10.1007/BFb0120690
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.coefficients import committed_fees, covered_pools, most_of_legs, owned_stranded_usd
from optimizer.smooth_kernel import smooth_pass
from optimizer.smooth_layout import layers_of, relieved_pairs, tasks_of, wide_classes_of
from optimizer.sweep import Sweeper

NO_WIDTH = 1e-200  # a width that rounds nothing off, and has an inverse
BOUND_ROUNDS = 2  # of taking back what prices exceed costs by


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the cost of the hours is looked at.

    Attributes
    ----------
    width_fraction : float
        Width of the rounded kinks, of the mean demand that a commitment may cover; 0 rounds nothing off.
    stride : int
        Every how many hours one counts.
    stranded_price : float
        Of a USD stranded. [USD/USD]
    is_in_order : bool
        Whether commitments serve in their order whatever idles then; else the last wide class relieves others before
        it idles where that strands less, as the linear program may.
    """

    width_fraction: float
    stride: int = 1
    stranded_price: float = 0.0
    is_in_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Smoothed:
    """What a choice costs, rounded off.

    Attributes
    ----------
    objective_usd : float
        With what it strands beyond the limit at its price. [USD]
    gradient_usd : FloatArray of shape (n_batches,)
        [USD per quantity]
    stranded_excess_usd : float
        Expected stranded USD less what the limit allows; below zero where there is room.
    """

    objective_usd: float
    gradient_usd: FloatArray
    stranded_excess_usd: float


class SmoothCost:
    """Smoothed passes over one problem; what they share is made once.

    Parameters
    ----------
    sweeper : Sweeper
        Of the same problem: its classes, segments and copy of the demand serve here too.
    """

    def __init__(self, sweeper: Sweeper) -> None:
        problem, classes = sweeper.problem, sweeper.classes
        self.problem, self.sweeper = problem, sweeper
        self.layers, self.wide = layers_of(classes), wide_classes_of(problem, classes)
        self.tasks = tasks_of(problem, sweeper.segments)
        self._relieved = relieved_pairs(self.layers, self.wide)
        self._mean_units = problem.demand.mean(axis=(0, 2))
        legs = problem.legs
        self._leg_batch = legs.batch
        self._active = legs.active(sweeper.segments.first_hour).astype(np.float64)
        self._row = classes.class_of[legs.instrument]
        self._scale = classes.scale[legs.instrument]
        fraction = problem.limits.stranded_expected_fraction
        self.allowed_usd = (fraction or 0.0) * committed_fees(problem)
        self.owned_stranded_usd = float(problem.weights @ owned_stranded_usd(problem))
        self._hour_weights = np.array(problem.hour_weights)
        self._on_demand_usd = np.array(problem.on_demand_usd)[None, :]
        draw = np.nan_to_num(problem.instruments.draw)
        self.usual_quantity = most_of_legs(problem, draw @ self._mean_units)
        self._most_useful = most_of_legs(problem, draw @ problem.demand.max(axis=(0, 2)))

    def __call__(self, quantity: FloatArray, view: View) -> Smoothed:
        """Smoothed objective and its gradient.

        Parameters
        ----------
        quantity : FloatArray of shape (n_batches,)
            Of every batch, owned ones included.
        view : View
        """
        cost, stranded, slope, _ = self._pass(quantity, view, None)
        excess = stranded - self.owned_stranded_usd - float(self.allowed_usd @ quantity)
        fees = float(self.problem.batches.cost_usd @ quantity)
        return Smoothed(
            objective_usd=fees + cost + view.stranded_price * (excess - stranded),  # cost has the stranded USD priced
            gradient_usd=self._priced_cost(view) - slope,
            stranded_excess_usd=excess,
        )

    def lower_bound(self, quantity: FloatArray, view: View) -> tuple[float, FloatArray]:
        """Bound of the objective from below at the prices of a choice, and what each batch costs beyond its prices.

        Parameters
        ----------
        quantity : FloatArray of shape (n_batches,)
        view : View

        Returns
        -------
        tuple of (float, FloatArray of shape (n_batches,))
            [USD], [USD per quantity]
        """
        batches = self.problem.batches
        decided, owned = batches.is_decision, np.nan_to_num(batches.fixed_quantity)
        covers = covered_pools(self.problem)
        cost = self._priced_cost(view)
        worth_part = np.ones(len(self.problem.pools))
        best, beyond = -np.inf, np.zeros(batches.n_batches)
        for _ in range(BOUND_ROUNDS):
            _, _, slope, worth = self._pass(quantity, view, worth_part)
            excess = np.where(decided, np.maximum(slope - cost, 0.0), 0.0)
            bound = worth + float((cost - slope) @ owned) - float(excess @ self._most_useful)
            bound -= view.stranded_price * self.owned_stranded_usd
            if bound > best:
                best, beyond = bound, cost - slope
            for batch in np.flatnonzero(excess > 0.0).tolist():  # what demand is worth falls until prices fit the cost
                part = max(cost[batch], 0.0) / slope[batch]
                worth_part[covers[batch]] = np.minimum(worth_part[covers[batch]], part)
        return best, beyond

    def _priced_cost(self, view: View) -> FloatArray:
        """Cost of each batch less what it lets be stranded. Shape (n_batches,). [USD per quantity]"""
        return self.problem.batches.cost_usd - view.stranded_price * self.allowed_usd

    def _held(self, quantity: FloatArray) -> FloatArray:
        """Class quantity in each segment. Shape (n_segments, n_classes)."""
        out = np.zeros((self.sweeper.classes.n_classes, self._active.shape[1]))
        np.add.at(out, self._row, (quantity[self._leg_batch] * self._scale)[:, None] * self._active)
        return out.T

    def _pass(
        self, quantity: FloatArray, view: View, worth_part: FloatArray | None
    ) -> tuple[float, float, FloatArray, float]:
        """Recourse cost, stranded USD, slope of each batch; with `worth_part` their prices and the worth of demand."""
        layers, wide, tasks, segments = self.layers, self.wide, self.tasks, self.sweeper.segments
        n_tasks, n_pools = len(tasks.first), len(self.problem.pools)
        held = self._held(quantity)
        units = np.zeros((segments.n_segments, *layers.fee_usd.shape))
        units[:, layers.layer, layers.pool] = held[:, layers.classes] / layers.draw
        width = np.where(layers.is_there, np.maximum(view.width_fraction * self._mean_units, NO_WIDTH), NO_WIDTH)
        n_relieved = 0 if view.is_in_order else len(self._relieved[0])
        taken_layer, taken_pool, taken_gain = (values[:n_relieved] for values in self._relieved)
        cost, stranded, worth = np.zeros(n_tasks), np.zeros(n_tasks), np.zeros(n_tasks)
        layer_slope = np.zeros((n_tasks, *layers.fee_usd.shape))
        wide_slope = np.zeros((n_tasks, len(wide.classes)))
        smooth_pass(
            self.sweeper.demand_by_hour,
            tasks.scenario,
            tasks.first,
            tasks.last,
            tasks.segment,
            tasks.weight,
            self._hour_weights,
            view.stride,
            units,
            width,
            1.0 / width,
            layers.fee_usd,
            np.ascontiguousarray(held[:, wide.classes]),
            np.maximum(view.width_fraction * wide.draw @ self._mean_units, NO_WIDTH),
            wide.fee_usd,
            wide.draw,
            wide.rank,
            wide.order,
            wide.start,
            wide.low,
            wide.high,
            self._on_demand_usd,
            view.stranded_price * segments.in_window / segments.discount,
            segments.in_window / segments.discount,
            taken_layer,
            taken_pool,
            taken_gain,
            np.ones((1, n_pools)) if worth_part is None else worth_part[None, :],
            worth_part is not None,
            cost,
            stranded,
            worth,
            layer_slope,
            wide_slope,
        )
        slope = np.zeros((segments.n_segments, self.sweeper.classes.n_classes))
        by_layer = np.add.reduceat(layer_slope, tasks.of_segment, axis=0)
        slope[:, layers.classes] = by_layer[:, layers.layer, layers.pool] / layers.draw
        slope[:, wide.classes] = np.add.reduceat(wide_slope, tasks.of_segment, axis=0)
        by_leg = np.einsum("lg,gl->l", self._active, slope[:, self._row]) * self._scale
        by_batch = np.zeros(self.problem.batches.n_batches)
        np.add.at(by_batch, self._leg_batch, by_leg)
        return float(cost.sum()), float(stranded.sum()), by_batch, float(worth.sum())
