"""Several calls at once, as one answer."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.runtime.answering import Response


async def side_by_side(runs: Sequence[Callable[[], Awaitable[Response]]]) -> Response:
    """Several calls at once, and the answer of each in order."""
    responses: dict[int, Response] = {}

    async def one(index: int) -> None:
        responses[index] = await runs[index]()

    async with anyio.create_task_group() as group:
        for index in range(len(runs)):
            group.start_soon(one, index)
    made = [responses[index] for index in range(len(runs))]
    failed = sum(response.is_error for response in made)
    summary = f"{len(made)} calls{f', {failed} of which failed' if failed else ''}."
    text = "\n\n".join(f"{index + 1}. {response.text}" for index, response in enumerate(made))
    answer = Answer({"answers": [response.answer.data for response in made]}, summary)
    return Response(answer, f"{summary}\n{text}", is_error=failed == len(made))
