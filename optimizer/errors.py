"""Every error of the optimizer package.

The tree:

    OptimizerError
    +-- InfeasibleLimitsError (ValueError)   the limits cannot all be met; says which and the smallest change
    +-- SolverError (RuntimeError)           the solver stopped, or found the program unbounded
    +-- CertificateError (RuntimeError)      a recomputed cost disagrees with the solver's: never shown as an answer
    +-- OutputError (OSError)                the output directory cannot be written
    +-- StoreError (OSError)                 the store of runs cannot be read or written

What is wrong with an input file is `forecasting.errors.InputError`, for both packages.
"""


class OptimizerError(Exception):
    """Root of the errors of this package."""


class InfeasibleLimitsError(OptimizerError, ValueError):
    """The limits of the policy cannot all be met."""


class SolverError(OptimizerError, RuntimeError):
    """The solver did not return an optimum."""


class CertificateError(OptimizerError, RuntimeError):
    """Two computations of the same cost disagree."""


class OutputError(OptimizerError, OSError):
    """Outputs could not be written; nothing was left behind."""


class StoreError(OptimizerError, OSError):
    """The store of runs cannot be read or written; what it held is still there."""
