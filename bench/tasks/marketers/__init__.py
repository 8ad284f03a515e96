"""The twenty-two tasks: what a marketer says, and what has to be so afterwards."""

from bench.tasks.marketers import audiences, goods, messages, numbers, people

TASKS = tuple(
    sorted(
        (*people.TASKS, *audiences.TASKS, *messages.TASKS, *numbers.TASKS, *goods.TASKS), key=lambda task: task.number
    )
)
