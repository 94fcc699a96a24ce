"""A project in the middle of its life, made over REST: what the pages are looked at with."""

import io
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from playwright.sync_api import APIRequestContext, BrowserContext, FilePayload

from tests.e2e.photographs import Photograph

TREE = """animals
  goldfish
  monarch | milkweed butterfly | orange wings with black veins
  king penguin
  koala
  jellyfish
  tarantula
  African elephant
things
  school bus
  teapot
  lemon
"""


class Api:
    """The REST API as the signed-in browser reaches it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.request: APIRequestContext = context.request
        self.url = f"{url.rstrip('/')}/api/v1"
        self.context = context

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        token = next(cookie["value"] for cookie in self.context.cookies() if cookie["name"] == "csrftoken")
        answer = self.request.fetch(
            self.url + path, method=method, headers={"X-CSRFToken": token, "Referer": self.url}, **options
        )
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()[:500]}"
        return answer.json() if answer.body() else None


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"still waiting for {what} after {seconds:g} s"
        time.sleep(1)


def make_project(
    api: Api,
    name: str,
    files: list[Photograph],
    *,
    labels: int,
    tree: str = TREE,
    wait_s: float = 480,
    blind_share: float = 0.1,
) -> int:
    """Ten categories in a tree, or those given, all images predicted, `labels` of them labelled right, two flagged."""
    project = int(
        api("POST", "/projects", data={"name": name, "description": "Animals and things, seen in passing"})["id"]
    )
    api("PATCH", f"/projects/{project}", data={"blind_share": blind_share})
    api("POST", f"/projects/{project}/categories/bulk", data={"text": tree})
    send_archive(api, project, files)

    def predicted() -> bool:
        return bool(api("GET", f"/projects/{project}/overview")["counts"]["predicted"] == len(files))

    wait_for(predicted, "predictions", wait_s)
    label(api, project, {one.name: one.category for one in files}, labels)
    return project


def send_archive(api: Api, project: int, files: list[Photograph]) -> None:
    """All files in one request, as a ZIP."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for one in files:
            archive.writestr(one.name, one.content)
    batch = api("POST", f"/projects/{project}/imports", data={"source": "browser", "name": "photographs"})["id"]
    payload: FilePayload = {"name": "photographs.zip", "mimeType": "application/zip", "buffer": held.getvalue()}
    api("POST", f"/projects/{project}/imports/{batch}/archive", multipart={"file": payload})
    api("POST", f"/projects/{project}/imports/{batch}/finish", data={})


def send_file(api: Api, project: int, batch: int, one: Photograph) -> None:
    payload: FilePayload = {"name": one.name, "mimeType": "image/jpeg", "buffer": one.content}
    api("POST", f"/projects/{project}/imports/{batch}/files", multipart={"files": payload})


def label(api: Api, project: int, truth: dict[str, str], count: int) -> None:
    categories = {item["name"]: item["id"] for item in api("GET", f"/projects/{project}/categories")["items"]}
    assert set(truth.values()) <= set(categories)
    done = 0
    while done < count:
        leased = api("POST", f"/projects/{project}/queue/lease", data={"count": min(count - done, 50)})["items"]
        for item in leased:
            judge(api, project, item, categories[truth[item["image"]["name"]]], flag=done in (7, 19))
            done += 1


def judge(api: Api, project: int, item: dict[str, Any], category: int, *, flag: bool) -> None:
    told: dict[str, Any] = {"kind": "flag", "comment": "cut off at the edge"} if flag else {"kind": "label"}
    if not flag:
        told["category"] = category
        if not item["blind"] and any(one["category"] == category for one in item["suggestions"]):
            told["evidence_details"] = {"suggested": category, "input": "digit"}
    body = {"image": item["image"]["id"], "token": item["token"], "duration_ms": 1200, **told}
    api("PUT", f"/projects/{project}/annotations/{uuid.uuid4()}", data=body)


def disagree(api: Api, other: Api, project: int, *, images: int) -> None:
    """A second person, already signed in through `other`, names labelled images otherwise than the first one did."""
    categories = [item["id"] for item in api("GET", f"/projects/{project}/categories")["items"] if item["depth"] > 0]
    labeled = api("GET", f"/projects/{project}/images?state=labeled&limit={images}")["items"]
    for image in labeled:
        said = next(one for one in categories if one != image["consensus"]["category"])
        body = {"image": image["id"], "kind": "label", "category": said, "comment": "looks more like this to me"}
        other("PUT", f"/projects/{project}/annotations/{uuid.uuid4()}", data=body)


def vouch(api: Api, project: int, *, images: int) -> None:
    """Gold, and enough of it on each page that nobody can miss that something is measured."""
    labeled = api("GET", f"/projects/{project}/images?state=labeled&blind=false&order=oldest&limit=100")["items"]
    sure = [one["id"] for one in labeled if one["consensus"]["state"] == "agreed" and not one["consensus"]["blind"]]
    api("POST", f"/projects/{project}/gold", data={"images": sure[:images]})
    api("PATCH", f"/projects/{project}", data={"options": {"attention_share": 0.2}})
