"""Calls every endpoint of a frontend with gradio_client, and prints the answers as JSON."""

import json
import os

from gradio_client import Client

token, path = os.environ["TOKEN"], os.environ["REQUEST"]


def connect() -> Client:
    """A client of its own, as another program has one."""
    return Client(
        os.environ["FRONTEND"],
        headers={"Authorization": f"Bearer {token}"},
        verbose=False,
        httpx_kwargs={"timeout": 60},  # by itself it waits for 5 seconds
    )


client = connect()
answers = {
    "endpoints": list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]),
    "leaderboard": client.predict(api_name="/leaderboard"),
    "queue": client.predict(api_name="/queue"),
    "reproduce": client.predict("acme", api_name="/reproduce"),
    "submit": client.predict(model="alice/nothing", api_name="/submit"),
    "withdraw": client.predict(path=path, api_name="/withdraw"),
}
job = client.submit(api_name="/queue")
job.cancel()  # no door leads to that: the call goes on, and nobody is hurt
# Of the same client Gradio's library may give the next call up too, if the first is slow.
answers["after a cancelled call"] = connect().predict(api_name="/queue")
print(json.dumps(answers))
os._exit(0)  # the client's thread for its heartbeat may wait for 15 seconds
