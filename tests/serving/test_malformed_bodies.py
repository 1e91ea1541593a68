"""Bodies that are wrong in every way are refused in words. `benchmarks/malformed.py` sends many more of them."""

from __future__ import annotations

import asyncio
import json

import httpx

from benchmarks.malformed_bodies import malformed_bodies
from serving.description import openapi_json
from tests.serving.test_authorisation import with_role

BODIES = 2_000
AT_ONCE = 8


async def test_no_body_breaks_the_api_and_every_refusal_is_a_documented_problem(
    client: httpx.AsyncClient, api_database: str
) -> None:
    admin = await with_role(client, api_database, "admin")
    document = json.loads(openapi_json())
    bodies = malformed_bodies(document, BODIES)
    sent: list[str] = []
    wrong: list[str] = []

    async def send_some() -> None:
        for each in bodies:
            headers = admin.headers | ({"Content-Type": each.media_type} if each.media_type else {})
            encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
            answer = await client.request(each.method, each.path, content=each.body, headers=encoded)
            sent.append(each.operation)
            method, path = each.operation.split(" ")
            documented = document["paths"][path][method.lower()]["responses"]
            is_told = str(answer.status_code) in documented and answer.status_code < 500
            is_problem = answer.headers["content-type"] == "application/problem+json"
            if not is_told or (answer.status_code >= 400) is not is_problem:
                wrong.append(f"{each.operation}: {answer.status_code} for {each.body[:200]!r}: {answer.text}")

    await asyncio.gather(*(send_some() for _ in range(AT_ONCE)))

    assert wrong == []
    assert len(sent) == BODIES
    assert len(set(sent)) == sum(
        "requestBody" in operation for methods in document["paths"].values() for operation in methods.values()
    )
