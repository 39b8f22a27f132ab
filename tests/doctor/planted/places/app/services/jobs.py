import asyncio
import time


class Runner:
    def run(self) -> None:
        time.sleep(1)  # blocks: route

    async def awaited(self) -> None:
        await asyncio.to_thread(self.run)  # near miss


runners = {"one": Runner()}
