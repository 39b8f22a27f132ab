"""What every strategy offers the rest of the engine."""

from abc import ABC, abstractmethod

from starlette.background import BackgroundTasks


class Strategy(ABC):
    """Has jobs run off the event loop. It is told that a queue has work; the rows say which."""

    runs_elsewhere = False  # in processes with an environment of their own

    @abstractmethod
    async def start(self) -> None:
        """Begin, on the event loop of the application."""

    @abstractmethod
    def notify(self, queue: str) -> None:
        """Tell that a job waits in the queue. Never blocks, never raises, from any thread."""

    def submitted(self, background: BackgroundTasks, queue: str) -> None:
        """Tell the same from a request, whose background tasks may run the job."""
        self.notify(queue)

    @abstractmethod
    async def check(self) -> dict[str, str | None]:
        """The parts that jobs need here, each with what is wrong with it, or None."""

    async def state(self) -> dict[str, str]:
        """What is told, though the API serves without it: a broker that is away."""
        return {}

    def close(self) -> None:  # noqa: B027 (nothing to do is the default)
        """Begin no job any more: this process has been told to stop."""

    @abstractmethod
    async def stop(self) -> None:
        """Let what runs end within the grace period, and give back what does not."""
