"""The simulator: people who never lived, with known causes, known gaps and a known ceiling.

`simulate(SimulationSpec(users=200, days=120, seed=7))` gives people, events, truth and ceiling;
`docs/simulator.md` argues for the causal model and its noise.
"""

from pipelines.ingestion.simulator.ceiling import Ceiling, Scores, ceiling_of
from pipelines.ingestion.simulator.interventions import NoLateCaffeine, SleepLonger, Workout, true_effect
from pipelines.ingestion.simulator.people import Person
from pipelines.ingestion.simulator.simulation import Delivery, Progress, Simulation, simulate
from pipelines.ingestion.simulator.specification import SimulationSpec, SimulationSpecInvalidError
from pipelines.ingestion.simulator.truth import state_of

__all__ = [
    "Ceiling",
    "Delivery",
    "NoLateCaffeine",
    "Person",
    "Progress",
    "Scores",
    "Simulation",
    "SimulationSpec",
    "SimulationSpecInvalidError",
    "SleepLonger",
    "Workout",
    "ceiling_of",
    "simulate",
    "state_of",
    "true_effect",
]
