"""Live scores: today's provisional scores, by the same formulas as the warehouse's."""
