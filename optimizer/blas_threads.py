"""One thread for the linear algebra library, set on import and before numpy is: our matrices are tiny.

Threads cost more than they give there: a structural model is fitted five times as fast without. Who sets
OPENBLAS_NUM_THREADS keeps it. Not here: threads of our own; there are none.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
