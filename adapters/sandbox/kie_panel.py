"""The sandbox's own pages of the provider: what it knows, and faults to put in force or lift."""

from typing import Any

import orjson
from aiohttp import web

from adapters.sandbox.faults import Fault, FaultPlan
from adapters.sandbox.kie_tasks import KieState, Task


def add_panel(app: web.Application, state: KieState, faults: FaultPlan) -> None:
    """`GET /sandbox/state`, and `GET|POST|DELETE /sandbox/faults` (`?id=`). JSON only, which keeps
    other sites' pages out: a browser sends them no JSON without asking first, and nobody answers.
    """

    async def show(_: web.Request) -> web.Response:
        return _json(facts(state, faults))

    async def listed(_: web.Request) -> web.Response:
        return _json(faults.to_json())

    async def add(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _json({"error": "post a fault as application/json"}, 415)
        try:
            posted = orjson.loads(await request.read())
            wanted = [Fault.from_json(item) for item in (posted if isinstance(posted, list) else [posted])]
        except (ValueError, TypeError) as trouble:
            return _json({"error": str(trouble)}, 400)
        return _json([faults.add(fault).to_json() for fault in wanted])

    async def lift(request: web.Request) -> web.Response:
        fault_id = request.query.get("id", "")
        if not fault_id:
            faults.clear()
        elif not faults.remove(fault_id):
            return _json({"error": "no such fault"}, 404)
        return _json(faults.to_json())

    app.router.add_get("/sandbox/state", show)
    app.router.add_get("/sandbox/faults", listed)
    app.router.add_post("/sandbox/faults", add)
    app.router.add_delete("/sandbox/faults", lift)


def facts(state: KieState, faults: FaultPlan) -> dict[str, Any]:
    """Everything a page shows of the provider; no key is in it."""
    state.settle()
    return {
        "now_ms": state.clock.now_ms(),
        "accounts": [{"name": a.name, "balance": a.balance, "blocked": a.blocked} for a in state.accounts],
        "creates": state.creates,
        "accepted": state.accepted,
        "billed": state.billed,
        "uploads": len(state.files),
        "retired": sorted(state.retired),
        "tasks": [_task(task, state.clock.now_ms()) for task in state.tasks.values()],
        "faults": faults.to_json(),
    }


def _task(task: Task, now_ms: int) -> dict[str, Any]:
    over = task.over(now_ms)
    return {
        "id": task.id,
        "model": task.spec.id,
        "account": task.account.name,
        "state": task.state(now_ms),
        "age_s": (now_ms - task.created_ms) / 1000,
        "duration_s": task.duration_ms / 1000,
        "cost": task.final_cost if over else task.cost,
        "fail_msg": task.fate.fail_msg if over else "",
    }


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
