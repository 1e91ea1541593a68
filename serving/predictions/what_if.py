"""Asking what if: the champion of the person's cohort, about their own live days with something changed.

Nothing of it is stored or cached: it is a prediction of a day that nobody has, and no rating will ever judge it.
"""

from __future__ import annotations

import asyncio

from aurora import clock
from aurora.features.vector import Moment
from aurora.models.catalogue import MODELS
from aurora.predictions.tile_changes import Occasion
from aurora.predictions.what_if import Asked, NotTheModels, Refused, WhatIf, what_if
from serving.auth.people import Person
from serving.database import Work
from serving.errors import WhatIfUnsupportedError, WhatIfWithoutModelError
from serving.features.live_state import read_live_tiles
from serving.predictions.what_if_schemas import WhatIfAsked, WhatIfRead
from serving.resources import Resources


async def ask_what_if(here: Resources, work: Work, person: Person, asked: WhatIfAsked) -> WhatIfRead:
    """The model's answer about this person's own days; an error says why there is none."""
    spec = MODELS[asked.target]
    predictor = await here.champions.get(spec.name, person.cohort)
    if predictor is None:
        raise WhatIfWithoutModelError(
            f"there is no trained {spec.name} model for you yet, and a baseline cannot say what a change goes with"
        )
    moment = Moment.at(clock.now(), person.tz)
    tiles, _ = await read_live_tiles(work.connection, here.redis, person.user_id, moment)
    occasion = Occasion(tiles, moment, person.tz)
    changes = [Asked(each.change, each.value, each.hours_ago) for each in asked.changes]
    # In a thread: the first question to a model loads what only questions need, and nobody else waits for that.
    answer = await asyncio.to_thread(what_if, predictor, occasion, changes, user_id=person.user_id)
    match answer:
        case Refused(unsupported):
            raise WhatIfUnsupportedError(unsupported)
        case NotTheModels(reason):
            raise WhatIfWithoutModelError(reason)
        case WhatIf():
            return WhatIfRead.of(spec, moment, answer)
