"""The truth of a prediction: the person's next rating, and from how far ahead it is taken.

A prediction is the rating to be expected if the person were asked at its instant. They are asked later, and the more
hours lie between, the more of the error is those hours' and not the model's. So every error is shown with its horizon:
NEAR_HOURS, or else HORIZON_HOURS. Later ratings are no truth.
"""

from __future__ import annotations

from typing import Final

NEAR_HOURS: Final = 1
"""What an interval promises is judged on these. Two hours ahead the error of simulated energy is twice as large
(docs/decisions/0038).
"""

HORIZON_HOURS: Final = 24
"""Inputs frozen for longer say nothing of a person's hours."""
