"""Streams a log as a program would, with the `websockets` package: `logs.py HOST TOKEN PATH`.

Once with the token as a header, once with a ticket; prints what came, as JSON.
"""

import asyncio
import json
import sys
import urllib.request

import websockets

host, token, path = sys.argv[1:]


def ticket():
    body = json.dumps({"path": path}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{host}/api/ticket", body, headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)["ticket"]


async def read(**how):
    came = {"text": "", "closed": None, "end": None, "protocol": None}
    async with websockets.connect(f"ws://{host}{path}", ping_interval=0.2, **how) as socket:
        came["protocol"] = socket.subprotocol
        async for message in socket:
            frame = json.loads(message)
            if frame.get("event") == "end":
                came["end"] = frame["exitCode"]
            else:
                came["text"] += frame["data"]
        came["closed"] = socket.close_code
    return came


async def main():
    # The argument was renamed with version 14.
    name = "additional_headers" if int(websockets.__version__.split(".")[0]) >= 14 else "extra_headers"
    by_header = await read(**{name: {"Authorization": f"Bearer {token}"}})
    by_ticket = await read(subprotocols=["dispatch.v1", f"ticket.{ticket()}"])
    print(json.dumps({"header": by_header, "ticket": by_ticket}))


asyncio.run(asyncio.wait_for(main(), 30))
