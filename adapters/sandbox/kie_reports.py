"""What the sandbox's provider says of a task: recordInfo, Veo's record-info, the webhook. Quirks included."""

import json
from typing import Any

from adapters.sandbox.kie_tasks import Outcome, Task, TaskState


def record(task: Task, url: str, now: int) -> dict[str, Any]:
    """`data` of recordInfo and of a market callback. `url`: where the film lies; `now` in ms."""
    over, state = task.over(now), task.state(now)
    urls = {"resultUrls": [url]} if task.fate.video is not Outcome.NONE else {}
    param = dict(task.body)
    if "input" in param:
        param["input"] = json.dumps(param["input"], ensure_ascii=False)  # text in text, as on the wire
    return {
        "taskId": task.id,
        "model": task.spec.id,
        "state": state,
        "param": json.dumps(param, ensure_ascii=False),
        "resultJson": json.dumps(urls) if state == TaskState.SUCCESS else "",
        "failCode": task.fate.fail_code if state == TaskState.FAIL else None,
        "failMsg": task.fate.fail_msg if state == TaskState.FAIL else None,
        "costTime": task.duration_ms // 1000 if over else None,  # seconds, whatever the docs say
        "completeTime": task.ends_ms if over else None,
        "createTime": task.created_ms,
        "updateTime": min(now, task.ends_ms),
        "creditsConsumed": task.final_cost if over else None,
    }


def veo_record(task: Task, url: str, now: int) -> dict[str, Any]:
    """`data` of Veo's record-info: a number for the state, an array for the results."""
    over, failed = task.over(now), task.fate.fails
    done = over and not failed
    return {
        "taskId": task.id,
        "paramJson": json.dumps(dict(task.body), ensure_ascii=False),
        "completeTime": task.ends_ms if over else None,
        "createTime": task.created_ms,
        "successFlag": (3 if failed else 1) if over else 0,
        "errorCode": _veo_code(task) if over and failed else None,
        "errorMessage": task.fate.fail_msg if over and failed else "",
        "response": {"taskId": task.id, "resultUrls": [url], "resolution": "720p"} if done else None,
        "fallbackFlag": False,
    }


def callback(task: Task, url: str, now: int) -> dict[str, Any]:
    """The body of the webhook that tells of the end. 501 stands for any failed market task."""
    if task.spec.veo:
        return _veo_callback(task, url)
    word = "failed." if task.fate.fails else "completed successfully."
    code = 501 if task.fate.fails else 200
    return {"code": code, "msg": f"Playground task {word}", "data": record(task, url, now)}


def _veo_callback(task: Task, url: str) -> dict[str, Any]:
    failed = task.fate.fails
    data = {
        "taskId": task.id,
        "promptJson": json.dumps(dict(task.body), ensure_ascii=False),
        "info": {"resultUrls": [] if failed else [url], "originUrls": None, "resolution": "720p"},
        "fallbackFlag": False,
    }
    msg = task.fate.fail_msg if failed else "Veo 3.1 video generated successfully."
    return {"code": _veo_code(task) if failed else 200, "msg": msg, "data": data}


def _veo_code(task: Task) -> int:
    code = task.fate.fail_code or ""
    return int(code) if code.isdigit() else 500
