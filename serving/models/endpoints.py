"""`/api/v1/models`: which models answer. How good they are is in the marts, by week and version."""

from __future__ import annotations

from typing import Annotated, Final, LiteralString

from fastapi import APIRouter
from psycopg.rows import class_row

from serving.auth.people import Person
from serving.dependencies import CurrentWork, person_who_may
from serving.models.schemas import ModelRead
from serving.openapi import problems
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/models", tags=["models"], route_class=StrictRoute)

_ALIASES: Final[LiteralString] = """
    select
        split_part(aliases.model_name, '.', 1) as model_name,
        substr(aliases.model_name, strpos(aliases.model_name, '.') + 1) as cohort,
        aliases.alias, aliases.model_version, aliases.moved_at, artifacts.published_at,
        (
            select history.reason from predictions.model_alias_history as history
            where
                history.model_name = aliases.model_name and history.alias = aliases.alias
                and history.model_version = aliases.model_version
            order by history.move_id desc
            limit 1
        ) as reason
    from predictions.model_aliases as aliases
    left join predictions.model_artifacts as artifacts using (model_name, model_version)
    order by cohort, model_name, alias
"""


@router.get("", response_model=list[ModelRead], responses=problems(401, 403, 503))
async def read_models(
    _person: Annotated[Person, person_who_may("models:read")], work: CurrentWork
) -> list[ModelRead]:
    """The versions that have a name, of every cohort."""
    async with work.connection.cursor(row_factory=class_row(ModelRead)) as cursor:
        await cursor.execute(_ALIASES)
        return await cursor.fetchall()
