"""The status endpoint in its three dialects.

All of them say "all zero" when idle, whatever became of the work. Gives up: OpenAleph's remaining
time.
"""

from collections import Counter
from typing import Any

from tests.aleph.people import Caller
from tests.aleph.processing import stamp
from tests.aleph.server import Server
from tests.aleph.store import Record

_TASKS = {"ingest": "ingestors.tasks.ingest"}
_PREFIX = "aleph.procrastinate.tasks."


def full_status(server: Server, row: Record, caller: Caller) -> Record:
    """Give the queue of a collection as the server's generation shows it."""
    tasks = server.pipeline.tasks(row["id"])
    if server.dialect.tasks_status:
        brief = server.presenter.collection(row, caller, people=False)
        return _by_tasks(row, tasks, brief)
    if server.dialect.jobs_status:
        return _by_jobs(tasks)
    return _by_stages(tasks)


def _counts(tasks: list[Record]) -> dict[str, int]:
    states = Counter(task["state"] for task in tasks)
    return {name: states[name] for name in ("finished", "running", "pending")}


def _times(tasks: list[Record]) -> list[float]:
    return [moment for task in tasks for moment in (task["queued"], task["done"]) if moment]


def _stages(tasks: list[Record], job: str) -> list[Record]:
    out = []
    for stage in dict.fromkeys(task["stage"] for task in tasks):
        counts = _counts([task for task in tasks if task["stage"] == stage])
        out.append(
            {
                "job_id": job,
                "stage": stage,
                "pending": counts["pending"],
                "running": counts["running"],
                "finished": counts["finished"],
            }
        )
    return out


def _by_stages(tasks: list[Record]) -> Record:
    """Aleph 4: stages without job ids."""
    times = _times(tasks)
    return {
        **_counts(tasks),
        "stages": _stages(tasks, ""),
        "start_time": stamp(min(times)) if times else None,
        "last_update": stamp(max(times)) if times else None,
    }


def _by_jobs(tasks: list[Record]) -> Record:
    """Aleph 3: jobs with nested stages."""
    jobs = []
    for job in dict.fromkeys(task["job"] for task in tasks):
        own = [task for task in tasks if task["job"] == job]
        jobs.append(
            {
                "job_id": job,
                **_counts(own),
                "stages": _stages(own, job),
                "start_time": stamp(min(_times(own))),
                "end_time": None,
            }
        )
    return {**_counts(tasks), "jobs": jobs}


def _sums(name: str, tasks: list[Record]) -> Record:
    counts, times = _counts(tasks), _times(tasks)
    moments = [f"{stamp(moment)}Z" for moment in (min(times), max(times))] if times else [None] * 2
    return {
        "todo": counts["pending"],
        "doing": counts["running"],
        "succeeded": counts["finished"],
        "failed": 0,
        "aborted": 0,
        "aborting": 0,
        "cancelled": 0,
        "min_ts": moments[0],
        "max_ts": moments[1],
        "name": name,
    }


def _tail(tasks: list[Record]) -> Record:
    counts, times = _counts(tasks), _times(tasks)
    return {
        "remaining_time": None,
        "took": f"PT{max(times) - min(times):.6f}S" if times else None,
        "total": len(tasks),
        "active": counts["pending"] + counts["running"],
        "finished": counts["finished"],
    }


def _grouped(tasks: list[Record], key: Any) -> list[tuple[str, list[Record]]]:
    names = dict.fromkeys(key(task) for task in tasks)
    return [(name, [task for task in tasks if key(task) == name]) for name in names]


def _queue(task: Record) -> str:
    return "ingest" if task["stage"] == "ingest" else "openaleph"


def _task(task: Record) -> str:
    return _TASKS.get(task["stage"], f"{_PREFIX}{task['stage']}_entities")


def _by_tasks(row: Record, tasks: list[Record], brief: Record) -> Record:
    """OpenAleph: batches (one per session) of queues of tasks."""
    batches = []
    for batch, in_batch in _grouped(tasks, lambda task: task["job"]):
        queues = []
        for queue, in_queue in _grouped(in_batch, _queue):
            kinds = [{**_sums(name, own), **_tail(own)} for name, own in _grouped(in_queue, _task)]
            queues.append({**_sums(queue, in_queue), "tasks": kinds, **_tail(in_queue)})
        batches.append({**_sums(batch, in_batch), "queues": queues, **_tail(in_batch)})
    return {
        **_sums(f"collection_{row['id']}", tasks),
        "batches": batches,
        "collection": brief,
        **_tail(tasks),
    }
