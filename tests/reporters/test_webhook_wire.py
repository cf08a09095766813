"""All parts together over real sockets: what a session tells arrives at a receiver (T27, T28)."""

import asyncio

import pytest

from nth.adapters.http_post import HttpPost
from nth.report.webhook.data import About
from nth.report.webhook.target import BodyTemplate, usual_target
from nth.reporters.webhook import Webhooks
from nth.reporters.webhook_queue import TargetQueue
from nth.settings.words import WEBHOOK_TEMPLATE
from tests.report import stories
from tests.servers.http import Reply
from tests.servers.posts import Receiver, listening


class Clock:
    def now(self) -> float:
        return asyncio.get_running_loop().time()


@pytest.mark.parametrize("status", [200, 500])
def test_T28_one_post_of_the_default_template_arrives(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        receiver = Receiver(reply=Reply(status=status))
        async with listening(receiver.serve) as port:
            template = BodyTemplate(WEBHOOK_TEMPLATE, "the template")
            target = usual_target(template, url=f"http://127.0.0.1:{port}/services/secret")
            poster = HttpPost(target.url)
            queue = TargetQueue(target, poster, Clock(), jitter=lambda: 0.5)
            webhooks = Webhooks([queue], Clock(), about=lambda _: About())
            running = asyncio.create_task(queue.run())
            stories.fed(webhooks, stories.told(*stories.FULL_STORY))
            await queue.flush(10)
            running.cancel()
            await asyncio.wait([running])
        (request,) = receiver.requests
        assert request.headers["content-type"] == "application/json"
        assert request.body.startswith(
            b'{"text": "[NTH][Instance Interruption] EventID: spot-1 - Kind: SPOT_ITN'
        )
        assert (queue.stats.sent, queue.stats.failed) == ((1, 0) if status == 200 else (0, 1))
        codes = [record.__dict__["fields"].get("status_code") for record in caplog.records]
        assert codes == ([] if status == 200 else [status])

    asyncio.run(scene())
