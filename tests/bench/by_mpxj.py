"""The peer MPXJ: the two passes of Microsoft Project in Java, reached through JPype.

It runs in a process of its own: within ours, the objects of the one and the collectors of the other slowed both.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from kijitsu.domain.closures import Closures
from kijitsu.domain.plan import LinkType, Plan

from .by_networkx import due_of

HEAP, DEEP = "4g", 1 << 30
# MPXJ is told of the holidays up to here. Nothing that is compared goes on longer; what did would lie elsewhere.
UNTIL = date(2020, 12, 31)
NAMES = {
    LinkType.FINISH_TO_START: "FINISH_START",
    LinkType.START_TO_START: "START_START",
    LinkType.FINISH_TO_FINISH: "FINISH_FINISH",
    LinkType.START_TO_FINISH: "START_FINISH",
}


def why_left_out() -> str | None:
    """Return why MPXJ cannot run, or None where it can."""
    try:
        import jpype
        import mpxj  # noqa: F401
    except ImportError as exc:
        return f"MPXJ is left out: {exc}; `make bench` installs it"
    try:
        jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException:
        return "MPXJ is left out: no Java is installed"
    return None


class Refused(Exception):
    """MPXJ raised something; the message is its name."""


class Projects:
    """Plans of working days as MPXJ's own objects, built once, in a process that lives as long as this."""

    def __init__(self, plans: list[Plan], calendar: Closures) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        for plan in plans:
            self._ask("load", plan, calendar)

    def schedule(self, times: int = 1, is_deep: bool = False) -> None:
        """Do both passes of every plan anew, a number of times; `is_deep` gives Java a stack of 1 GiB to do it on."""
        self._ask("schedule", times, is_deep)

    def dates(self) -> list[dict[str, tuple[int, int, int, int]]]:
        """Return the early start and finish and the late start and finish of each, as ordinals, plan by plan."""
        return self._ask("dates")

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()

    def _ask(self, *question: object) -> Any:
        self._pipe.send(question)
        answer, fault = self._pipe.recv()
        if fault:
            raise Refused(fault)
        return answer


def _serve(pipe: Connection) -> None:
    """Answer until the other end is closed."""
    import mpxj

    mpxj.startJVM(f"-Xmx{HEAP}")
    projects: list[Project] = []
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        answer, fault = None, ""
        try:
            match question:
                case "load", plan, calendar:
                    projects.append(Project(plan, calendar))
                case "schedule", times, is_deep:
                    _schedule(projects * times, is_deep)
                case _:
                    answer = [project.dates() for project in projects]
        except Exception as exc:  # noqa: BLE001
            fault = type(exc).__name__
        pipe.send((answer, fault))


def _schedule(projects: list[Project], is_deep: bool) -> None:
    def run() -> None:
        for project in projects:
            project.schedule()

    if not is_deep:
        return run()
    threading.stack_size(DEEP)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


class Project:
    """One plan, within Java."""

    def __init__(self, plan: Plan, calendar: Closures) -> None:
        from java.time import LocalDate, LocalDateTime
        from org.mpxj import ConstraintType, Duration, ProjectFile, Relation, RelationType, TimeUnit
        from org.mpxj.cpm import MicrosoftScheduler

        def at(day: date, hour: int) -> Any:
            return LocalDateTime.of(day.year, day.month, day.day, hour, 0)

        lengths: dict[int, Any] = {}

        def length(number: int) -> Any:
            if number not in lengths:
                lengths[number] = Duration.getInstance(number, TimeUnit.DAYS)
            return lengths[number]

        self.file = ProjectFile()
        office = self.file.addDefaultBaseCalendar()
        self.file.setDefaultCalendar(office)
        for day in (calendar.first + timedelta(number) for number in range((UNTIL - calendar.first).days)):
            if day.weekday() < 5 and not calendar.is_open(day):
                office.addCalendarException(LocalDate.of(day.year, day.month, day.day))
        self.tasks: dict[str, Any] = {}
        for milestone in plan.milestones.values():
            task = self.tasks[milestone.id] = self.file.addTask()
            task.setName(milestone.id)
            task.setDuration(length(milestone.duration.number))
            task.setRemainingDuration(length(milestone.duration.number))
            task.setActualDuration(length(0))
            # Kijitsu takes the next open day for a first day, the last one before it for a due day; MPXJ takes the day.
            if milestone.window and milestone.window.first:
                task.setConstraintType(ConstraintType.START_NO_EARLIER_THAN)
                task.setConstraintDate(at(calendar.next_open(milestone.window.first), 8))
            if due := due_of(milestone):
                task.setDeadline(at(calendar.previous_open(due), 17))
        types = {kind: getattr(RelationType, name) for kind, name in NAMES.items()}
        for milestone in plan.milestones.values():
            task = self.tasks[milestone.id]
            for link in milestone.after:
                relation = Relation.Builder().predecessorTask(self.tasks[link.on])
                task.addPredecessor(relation.type(types[link.type]).lag(length(link.lag.number)))
        self._scheduler = MicrosoftScheduler()
        # Well before the first window: MPXJ moves what a link from finish to finish puts before it.
        self._start = at(date(2016, 1, 4), 8)

    def schedule(self) -> None:
        """Do both passes anew."""
        self._scheduler.schedule(self.file, self._start)

    def dates(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the early start and finish and the late start and finish of each, as ordinals."""
        epoch = date(1970, 1, 1).toordinal()

        def day(moment: Any) -> int:
            return epoch + int(moment.toLocalDate().toEpochDay())

        return {
            id: (
                day(task.getEarlyStart()),
                day(task.getEarlyFinish()),
                day(task.getLateStart()),
                day(task.getLateFinish()),
            )
            for id, task in self.tasks.items()
        }
