"""The mix of a group: how its demand is split into pools on every sample path, and what goes to pools without a name.

Four things move shares: successions under way go on, pools are replaced as often as pools are, newcomers take their
part and young pools ramp, and the rest wanders. Not here: demand of the group, declared events, hours.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.lifetimes import (
    DAYS_PER_YEAR,
    Hazard,
    Lives,
    ReplacementChance,
    replacement_chances,
)
from forecasting.newcomers import Newcomers, adopted_fraction
from forecasting.ramps import (
    UNSEEN_FRACTION,
    RampLengths,
    finally_kept,
    kept_by_replacement,
    kept_by_running,
)
from forecasting.stalled import resumed_days, resumption_chance
from forecasting.succession import Succession, SuccessionState
from forecasting.wander import WEEK_DAYS, drawn_days

SUCCESSOR_AGE_DAYS = 548  # a pool that takes over is of the generation of the last year and a half
WHOLE_FRACTION = 0.5  # chance that a replacement takes all of a pool; else evenly between half and all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixPlan:
    """All draws of the mix: shares on any day follow without another random number.

    Attributes
    ----------
    start_days : FloatArray of shape (n_paths, n_pools)
        Days after the end of history at which a pool's replacement starts, below 0 for one that has begun unseen;
        `inf` for a pool whose succession is seen to be under way.
    ramp_days : FloatArray of shape (n_paths, n_pools)
        How long it takes. [days]
    kept_fraction : FloatArray of shape (n_paths, n_pools)
        Part of today's share that a replacement, drawn or under way, leaves in the end.
    receivers : IntArray of shape (n_paths, n_pools)
        Row of the pool that takes over; -1 for one without a name.
    speed_factors : FloatArray of shape (n_paths, n_pools)
        On the slope of a succession under way.
    adoption_days : FloatArray of shape (n_paths,)
        Time constant at which young pools fill up. [days]
    newcomer_rates : FloatArray of shape (n_paths, n_groups)
        Part of a group's demand that goes to newcomers. [1/year]
    wander : FloatArray of shape (n_paths, n_pools, n_weeks)
        Log random walk of the shares at the start of each week.
    columns : IntArray of shape (n_paths, n_days)
        Historical day whose noise each day has.
    """

    start_days: FloatArray
    ramp_days: FloatArray
    kept_fraction: FloatArray
    receivers: IntArray
    speed_factors: FloatArray
    adoption_days: FloatArray
    newcomer_rates: FloatArray
    wander: FloatArray
    columns: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for field in fields(self):
            freeze = frozen_ints if field.name in {"receivers", "columns"} else frozen_floats
            object.__setattr__(self, field.name, freeze(getattr(self, field.name)))

    def of(self, paths: IntArray) -> "MixPlan":
        """Return the plan of some paths only."""
        return replace(self, **{field.name: getattr(self, field.name)[paths] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixModel:
    """Everything the shares of the future are made of.

    Attributes
    ----------
    group_of : IntArray of shape (n_pools,)
    shares : FloatArray of shape (n_pools,)
        At the end of history; 0 for a pool that is unborn or dead.
    lives : Lives
    hazard : Hazard
    successions : tuple of Succession
        Undeclared ones, under way, stalled and finished.
    ramps : RampLengths
    newcomers : Newcomers
    adopting_days : IntArray of shape (n_pools,)
        Age of a young pool that still fills up by itself, at the end of history; -1 for all others.
    wander_sd : FloatArray of shape (n_pools,)
        Of a week's step of the log share.
    factors : FloatArray of shape (n_pools, n_history_days)
        Noise of each historical day's shares.
    blocked_days : IntArray of shape (n_pools,)
        Days after the end of history until which a declared event accounts for what a pool loses, or the roadmap
        vouches for it.
    """

    group_of: IntArray
    shares: FloatArray
    lives: Lives
    hazard: Hazard
    successions: tuple[Succession, ...]
    ramps: RampLengths
    newcomers: Newcomers
    adopting_days: IntArray
    wander_sd: FloatArray
    factors: FloatArray
    blocked_days: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("shares", "wander_sd", "factors"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        for name in ("group_of", "adopting_days", "blocked_days"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))

    @property
    def running(self) -> dict[int, Succession]:
        """Succession under way of each pool that is losing by one."""
        return {s.losing: s for s in self.successions if s.is_running}

    @property
    def stalled(self) -> dict[int, Succession]:
        """Succession of each pool that stopped losing on its way."""
        return {s.losing: s for s in self.successions if s.state is SuccessionState.STALLED}

    @property
    def chances(self) -> tuple[ReplacementChance, ...]:
        """Chance of replacement of every pool that has demand."""
        chances = replacement_chances(self.lives, self.hazard, self.blocked_days)
        sure = {pool: 1.0 for pool in self.running}
        sure |= {pool: resumption_chance(stalled, DAYS_PER_YEAR) for pool, stalled in self.stalled.items()}
        told = [replace(c, chance=sure.get(c.pool, c.chance)) for c in chances]
        return tuple(c for c in told if self.shares[c.pool] > 0 and self.has_mix[c.pool])

    @property
    def has_mix(self) -> BoolArray:
        """Whether the group of each pool ever had another: a pool that is all there is has no generations."""
        mixed: BoolArray = self._group_has_mix[self.group_of]
        return mixed

    @property
    def _group_has_mix(self) -> BoolArray:
        """Whether each group ever had two pools."""
        ever = np.bincount(self.group_of, weights=self.lives.born < self.lives.n_days, minlength=self.n_groups)
        mixed: BoolArray = ever >= 2
        return mixed

    def draw(self, *, n_paths: int, n_days: int, rng: np.random.Generator, columns: IntArray | None = None) -> MixPlan:
        """Draw what happens to the mix on each path.

        Parameters
        ----------
        n_paths, n_days : int
        rng : numpy.random.Generator
        columns : IntArray of shape (n_paths, n_days), optional
            Historical day behind each day of each path, so that the noise of shares is that of the same days as the
            group's; drawn where absent.
        """
        shape = (n_paths, len(self.shares))
        factors = self.hazard.factors(rng.standard_normal((n_paths, 1)))
        cumulated = rng.standard_exponential(shape) / np.maximum(factors, 1e-12)
        first_age = self.lives.age_days + self.blocked_days
        ramps = self.ramps.draw(n_paths, rng)
        halves = self.lives.age_at_hazard(self.lives.cumulated_hazard(first_age) + cumulated) - self.lives.age_days
        may_have_begun = self._may_succeed.any(axis=1) & (self.blocked_days == 0)
        earliest = self.blocked_days - UNSEEN_FRACTION * np.where(may_have_begun, ramps, 0.0)  # some run, unseen
        starts = np.maximum(halves - ramps / 2.0, earliest)
        starts[:, ~self.has_mix] = np.inf
        lost = np.where(rng.random(shape) < WHOLE_FRACTION, 1.0, rng.uniform(0.5, 1.0, shape))
        receivers = self._receivers(starts, rng.random(shape))
        kept, speeds = 1.0 - lost, np.ones(shape)
        for pool, succession in self.stalled.items():
            draws = rng.random((4, n_paths))
            kept[:, pool] = finally_kept(succession, draws[:2])
            starts[:, pool] = resumed_days(succession, draws[2])
            bounds = np.cumsum(succession.gained_fractions)
            taker = np.minimum(np.searchsorted(bounds, draws[3]), len(bounds) - 1)
            receivers[:, pool] = np.array(succession.gaining)[taker]
        for pool, succession in self.running.items():
            starts[:, pool] = np.inf
            kept[:, pool] = finally_kept(succession, rng.random((2, n_paths)))
            speeds[:, pool] = np.exp(succession.slope_log_sd * rng.standard_normal(n_paths))
        steps = rng.standard_normal((*shape, -(-n_days // WEEK_DAYS) + 1)) * self.wander_sd[:, None]
        steps[:, :, 0] = 0.0
        if columns is None:
            columns = drawn_days(self.factors.shape[1], n_paths=n_paths, n_days=n_days, rng=rng)
        return MixPlan(
            start_days=starts,
            ramp_days=ramps,
            kept_fraction=kept,
            receivers=receivers,
            speed_factors=speeds,
            adoption_days=self.newcomers.draw_adoption(n_paths, rng),
            newcomer_rates=self.newcomers.draw_rates(n_paths, rng) * self._group_has_mix,
            wander=np.cumsum(steps, axis=2),
            columns=columns,
        )

    def split(self, plan: MixPlan, horizon_days: IntArray) -> FloatArray:
        """Shares of the pools, and of what each group has in pools that nobody has named.

        Parameters
        ----------
        plan : MixPlan
        horizon_days : IntArray of shape (n_wanted_days,)
            Days since the end of history, from 0.

        Returns
        -------
        FloatArray of shape (n_paths, n_pools + n_groups, n_wanted_days)
            Pools first, then the unnamed part of each group. They sum to 1 in a group; all are 0 in one without
            demand in the last two weeks.
        """
        n_pools = len(self.shares)
        elapsed = np.asarray(horizon_days, dtype=np.float64) + 1.0
        split = np.zeros((len(plan.columns), n_pools + self.n_groups, len(elapsed)))
        split[:, :n_pools] = self.shares[:, None]
        self._let_young_grow(split, plan, elapsed)
        for pool in self._order():
            self._move(split, plan, int(pool), elapsed)
        years = elapsed / DAYS_PER_YEAR
        for group in range(self.n_groups):
            members = np.flatnonzero(self.group_of == group)
            if not self.shares[members].any():
                continue
            named = np.exp(-plan.newcomer_rates[:, group, None] * years)
            split[:, members] *= named[:, None, :]
            split[:, n_pools + group] = split[:, n_pools + group] * named + (1.0 - named)
            self._let_wander(split, plan, members, horizon_days)
        return split

    def sample(self, *, n_paths: int, n_days: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw and split: shares of shape (n_paths, n_pools, n_days), unnamed of shape (n_paths, n_groups, n_days)."""
        split = self.split(self.draw(n_paths=n_paths, n_days=n_days, rng=rng), np.arange(n_days))
        return split[:, : len(self.shares)], split[:, len(self.shares) :]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group_of.max()) + 1

    def _order(self) -> IntArray:
        """Pools in an order in which nobody receives after having given: by birth, losers under way before others."""
        is_running = np.isin(np.arange(len(self.shares)), list(self.running))
        order: IntArray = np.lexsort((~is_running, self.lives.born))
        return order[self.shares[order] > 0]

    @property
    def _may_succeed(self) -> BoolArray:
        """Whether a pool (column) is a younger one of the group that may take over from another (row)."""
        is_losing = np.isin(np.arange(len(self.shares)), list(self.running))
        is_young = self.lives.is_age_known & (self.lives.age_days < SUCCESSOR_AGE_DAYS)
        is_able = (self.shares > 0) & is_young & ~is_losing
        same_group = self.group_of[:, None] == self.group_of[None, :]
        may: BoolArray = same_group & is_able[None, :] & (self.lives.born[None, :] > self.lives.born[:, None])
        return may

    def _receivers(self, starts: FloatArray, draws: FloatArray) -> IntArray:
        """Who takes over: a young pool of the group by its share, or nobody with a name. Shape (n_paths, n_pools).

        What has begun already goes to a pool that exists.
        """
        receivers = np.full(starts.shape, -1, dtype=np.int64)
        may_succeed = self._may_succeed
        for pool in np.flatnonzero((self.shares > 0) & may_succeed.any(axis=1)):
            able = np.flatnonzero(may_succeed[pool])
            bounds = np.cumsum(self.shares[able]) / self.shares[able].sum()
            chance = np.where(starts[:, pool] < 0, 1.0, self.ramps.named_fraction[pool])
            taker = able[np.minimum(np.searchsorted(bounds, draws[:, pool] / chance), len(able) - 1)]
            is_named = draws[:, pool] < chance
            is_taken = is_named & (self.lives.age_days[taker] + starts[:, pool] < SUCCESSOR_AGE_DAYS)
            receivers[:, pool] = np.where(is_taken, taker, -1)
        return receivers

    def _let_young_grow(self, split: FloatArray, plan: MixPlan, elapsed: FloatArray) -> None:
        """Carry young pools on along the usual adoption, at the cost of all others, in place."""
        young = np.flatnonzero((self.shares > 0) & (self.adopting_days >= 0)).tolist()
        for pool in young:
            split[:, pool] *= adopted_fraction(int(self.adopting_days[pool]), elapsed, plan.adoption_days)
        for group in {int(self.group_of[pool]) for pool in young}:
            members = np.flatnonzero(self.group_of == group)
            split[:, members] /= split[:, members].sum(axis=1)[:, None, :]

    def _move(self, split: FloatArray, plan: MixPlan, pool: int, elapsed: FloatArray) -> None:
        """Take from one pool what its replacement takes by each day, and give it on, in place."""
        succession = self.running.get(pool)
        if succession is not None:
            kept = kept_by_running(succession, plan.speed_factors[:, pool], plan.kept_fraction[:, pool], elapsed)
            moved = split[:, pool] * (1.0 - kept)
            for row, fraction in zip(succession.gaining, succession.gained_fractions, strict=True):
                split[:, row] += moved * fraction
            split[:, pool] *= kept
            return
        paths = np.flatnonzero(plan.start_days[:, pool] < elapsed.max(initial=0.0))
        kept = kept_by_replacement(
            plan.start_days[paths, pool], plan.ramp_days[paths, pool], plan.kept_fraction[paths, pool], elapsed
        )
        moved = split[paths, pool] * (1.0 - kept)
        split[paths, pool] *= kept
        unnamed = len(self.shares) + self.group_of[pool]
        receivers = np.where(plan.receivers[paths, pool] < 0, unnamed, plan.receivers[paths, pool])
        split[paths, receivers] += moved

    def _let_wander(self, split: FloatArray, plan: MixPlan, members: IntArray, horizon_days: IntArray) -> None:
        """Multiply the shares of a group by wander and noise, keeping what they sum to, in place.

        A log share that steps by a variance v is moved by ``(share - 1 / 2) * v``: to second order the expected share
        then stays, for a small pool as well as for one that is nearly all.
        """
        week, day = horizon_days // WEEK_DAYS, (horizon_days % WEEK_DAYS + 1) / WEEK_DAYS
        columns = plan.columns[:, horizon_days]
        before = split[:, members]
        after = before.copy()
        for place, pool in enumerate(members):
            walk = plan.wander[:, pool, week] * (1.0 - day) + plan.wander[:, pool, week + 1] * day
            spread = self.wander_sd[pool] ** 2 * (horizon_days + 1) / WEEK_DAYS
            after[:, place] *= np.exp(walk + (before[:, place] - 0.5) * spread) * self.factors[pool][columns]
        total = after.sum(axis=1, keepdims=True)
        scale = before.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        split[:, members] = np.where(total > 0, after * scale, before)
