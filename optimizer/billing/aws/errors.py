"""What AWS would refuse: the errors of changing, returning and selling commitments.

Not here: the rules that raise them.
"""

from collections.abc import Sequence

from optimizer.errors import OptimizerError


class RefusedError(OptimizerError, ValueError):
    """AWS's rules do not allow the action; carries every rule that it breaks.

    Parameters
    ----------
    action : str
        What was asked for.
    reasons : sequence of str
        At least one.
    """

    def __init__(self, action: str, reasons: Sequence[str]) -> None:
        self.action = action
        self.reasons = tuple(reasons)
        noun = "rule" if len(self.reasons) == 1 else "rules"
        head = f"{action} breaks {len(self.reasons)} {noun} of AWS:"
        super().__init__("\n".join([head, *(f"  - {reason}" for reason in self.reasons)]))
