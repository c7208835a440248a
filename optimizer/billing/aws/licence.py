"""Rates of platforms with a licence in them: only the Linux part is discounted.

A committed Windows, RHEL or SUSE rate is the committed Linux rate plus the licence, which is the same as on demand. Not
here: bringing one's own licence, which is Linux/UNIX to billing.

References
----------
https://calculator.aws (RHEL on m6i and r6i in Frankfurt: each plan rate is the Linux rate plus 0.06 or 0.13 USD/h)
"""


def licence_hourly_usd(*, platform_on_demand_usd: float, linux_on_demand_usd: float) -> float:
    """Licence part of an on-demand rate. [USD/h]

    Raises
    ------
    ValueError
        If the platform is cheaper than Linux.

    Examples
    --------
    >>> round(licence_hourly_usd(platform_on_demand_usd=0.36, linux_on_demand_usd=0.3), 6)
    0.06
    """
    licence_usd = platform_on_demand_usd - linux_on_demand_usd
    if licence_usd < 0.0:
        msg = (
            f"platform_on_demand_usd must be >= linux_on_demand_usd {linux_on_demand_usd:g}, "
            f"got {platform_on_demand_usd:g}."
        )
        raise ValueError(msg)
    return licence_usd


def committed_hourly_usd(
    *, linux_committed_usd: float, platform_on_demand_usd: float, linux_on_demand_usd: float
) -> float:
    """Committed rate of a platform with a licence. [USD/h]

    Examples
    --------
    A Linux plan rate of 0.22025 USD/h and a licence of 0.06 USD/h give the 0.28025 that AWS lists for RHEL:

    >>> rate = committed_hourly_usd(linux_committed_usd=0.22025, platform_on_demand_usd=0.36, linux_on_demand_usd=0.3)
    >>> round(rate, 5)
    0.28025
    """
    licence_usd = licence_hourly_usd(
        platform_on_demand_usd=platform_on_demand_usd, linux_on_demand_usd=linux_on_demand_usd
    )
    return linux_committed_usd + licence_usd
