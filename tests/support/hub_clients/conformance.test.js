// The Hub for tests, as the official JavaScript client sees it. HUB_URL says where the Hub is.

import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";

import * as hub from "@huggingface/hub";

const hubUrl = process.env.HUB_URL;
const BINARY = new Uint8Array(1000);
let alice, bob, nobody;
let number = 0;

// What a test tells the Hub directly.
async function tell(command, options = {}) {
  const answer = await fetch(`${hubUrl}/_test/${command}`, { method: "POST", body: JSON.stringify(options) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

async function addDataset(files = {}, options = {}) {
  const id = `acme/data-${number++}`;
  await tell("add_repository", { type: "dataset", id, files, ...options });
  return `datasets/${id}`;
}

const file = (path, content) => ({ operation: "addOrUpdate", path, content: new Blob([content]) });

const commit = (repo, operations, options = {}) =>
  hub.commit({ ...alice, repo, title: "change", operations, useXet: false, ...options });

async function text(repo, path, options = {}) {
  const blob = await hub.downloadFile({ ...alice, repo, path, ...options });
  return blob && (await blob.text());
}

async function all(iterator) {
  const found = [];
  for await (const each of iterator) found.push(each);
  return found;
}

const paths = async (options) =>
  (await all(hub.listFiles(options))).map((each) => each.path).filter((path) => path !== ".gitattributes");

before(async () => {
  alice = { hubUrl, accessToken: await tell("add_user", { name: "alice", organizations: { acme: "write" } }) };
  bob = { hubUrl, accessToken: await tell("add_user", { name: "bob" }) };
  nobody = { hubUrl };
});

test("whoami tells the user, the organisations and the role of the token", async () => {
  const answer = await hub.whoAmI(alice);
  assert.equal(answer.name, "alice");
  assert.deepEqual(answer.orgs.map((each) => each.name), ["acme"]);
  assert.equal(answer.auth.accessToken.role, "write");
  await assert.rejects(hub.whoAmI({ hubUrl, accessToken: "hf_unknown" }), { statusCode: 401 });
});

test("a repository is created once, and deleted", async () => {
  const repo = { type: "dataset", name: "acme/new" };
  const made = await hub.createRepo({ ...alice, repo, visibility: "private" });
  assert.equal(made.repoUrl, `${hubUrl}/datasets/acme/new`);
  await assert.rejects(hub.createRepo({ ...alice, repo }), { statusCode: 409 });
  await assert.rejects(hub.createRepo({ ...bob, repo: "acme/mine" }), { statusCode: 403 });
  assert.equal(await hub.repoExists({ ...bob, repo }), false);
  await hub.deleteRepo({ ...alice, repo });
  assert.equal(await hub.repoExists({ ...alice, repo }), false);
});

test("what was committed is read again", async () => {
  const repo = await addDataset();
  const made = await commit(repo, [file("a/b.json", "{}"), file("ü.txt", "🟢"), file("empty", "")]);
  assert.equal(made.commit.url, `${hubUrl}/${repo}/commit/${made.commit.oid}`);
  assert.equal(await text(repo, "a/b.json"), "{}");
  assert.equal(await text(repo, "ü.txt", { revision: made.commit.oid }), "🟢");
  assert.equal(await text(repo, "missing"), null);
});

test("a commit on an old parent is refused with 412 and changes nothing", async () => {
  const repo = await addDataset();
  const { commit: now } = await commit(repo, [file("a", "1")]);
  await commit(repo, [file("a", "2")], { parentCommit: now.oid });
  await assert.rejects(commit(repo, [file("a", "3")], { parentCommit: now.oid }), (error) => {
    assert.equal(error.statusCode, 412);
    assert.match(error.message, /The branch was updated since you opened this page/);
    return true;
  });
  assert.equal(await text(repo, "a"), "2");
});

test("files are deleted, and what is not there is not", async () => {
  const repo = await addDataset({ a: "1", b: "2" });
  await hub.deleteFile({ ...alice, repo, path: "a" });
  assert.deepEqual(await paths({ ...alice, repo }), ["b"]);
  await assert.rejects(hub.deleteFile({ ...alice, repo, path: "a" }), { statusCode: 404 });
});

test("a large file goes through Git LFS", async () => {
  const repo = await addDataset();
  await commit(repo, [file("binary", BINARY)]);
  const [info] = await hub.pathsInfo({ ...alice, repo, paths: ["binary"] });
  assert.deepEqual([info.size, info.lfs.size], [1000, 1000]);
  const blob = await hub.downloadFile({ ...alice, repo, path: "binary" });
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), BINARY);
  assert.match(await text(repo, "binary", { raw: true }), /^version https:\/\/git-lfs/);
});

test("a pull request leaves the branch alone", async () => {
  const repo = await addDataset({ a: "1" });
  const made = await commit(repo, [file("a", "2")], { ...bob, isPullRequest: true });
  assert.equal(made.pullRequestUrl, `${hubUrl}/${repo}/discussions/1`);
  assert.equal(await text(repo, "a"), "1");
  assert.equal(await text(repo, "a", { revision: "refs/pr/1" }), "2");
  assert.deepEqual(await paths({ ...alice, repo, revision: "refs/pr/1" }), ["a"]);
});

test("a long list comes in pages", async () => {
  const files = Object.fromEntries(Array.from({ length: 1200 }, (_, each) => [`${each}/file`, `${each}`]));
  const repo = await addDataset(files);
  await tell("reset_calls");
  assert.equal((await paths({ ...alice, repo, recursive: true })).length, 2400);
  assert.equal((await tell("calls")).length, 3);
});

test("a folder is listed with the last commits", async () => {
  const repo = await addDataset({ "a/b": "1", c: "2" });
  const made = await commit(repo, [file("a/b", "3")]);
  const [entry] = await all(hub.listFiles({ ...alice, repo, path: "a", expand: true }));
  assert.deepEqual([entry.path, entry.lastCommit.id, entry.lastCommit.title], ["a/b", made.commit.oid, "change"]);
  const infos = await hub.pathsInfo({ ...alice, repo, paths: ["a", "c", "missing"], expand: true });
  assert.deepEqual(infos.map((each) => each.type), ["directory", "file"]);
});

test("a snapshot has all files of a revision", async () => {
  const repo = await addDataset({ "a/b": "1", c: "2" });
  const folder = await hub.snapshotDownload({ ...alice, repo, cacheDir: await mkdtemp(join(tmpdir(), "hub-")) });
  assert.equal(await readFile(join(folder, "a/b"), "utf8"), "1");
  assert.equal(await readFile(join(folder, "c"), "utf8"), "2");
});

test("a model is described, under its old name too", async () => {
  const config = '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}';
  const sha = await tell("add_repository", { type: "model", id: "acme/old", files: { "config.json": config }, likes: 3 });
  await tell("rename", { type: "model", old: "acme/old", new: "acme/tiny" });
  const info = await hub.modelInfo({ ...nobody, name: "acme/old", additionalFields: ["sha", "config", "filePaths"] });
  assert.deepEqual([info.name, info.sha, info.likes, info.task], ["acme/tiny", sha, 3, "text-generation"]);
  assert.equal(info.config.model_type, "llama");
  assert.ok(info.filePaths.includes("config.json"));
  assert.equal(await text("acme/old", "config.json", nobody), config);
});

test("what exists is told from what does not", async () => {
  const repo = await addDataset({ a: "1" });
  assert.equal(await hub.fileExists({ ...nobody, repo, path: "a" }), true);
  assert.equal(await hub.fileExists({ ...nobody, repo, path: "b" }), false);
  await assert.rejects(text(repo, "a", { revision: "missing" }), { statusCode: 404 });
  await assert.rejects(hub.checkRepoAccess({ ...alice, repo: "datasets/acme/missing" }), { statusCode: 404 });
  await assert.rejects(hub.checkRepoAccess({ ...nobody, repo: "datasets/acme/missing" }), { statusCode: 401 });
});

test("a gated model is read by those let in", async () => {
  await tell("add_repository", { type: "model", id: "acme/gated", files: { a: "1" }, gated: "manual" });
  assert.equal((await hub.modelInfo({ ...nobody, name: "acme/gated" })).gated, "manual");
  await assert.rejects(text("acme/gated", "a", bob), { statusCode: 403 });
  await tell("let_in", { type: "model", id: "acme/gated", user: "bob" });
  assert.equal(await text("acme/gated", "a", bob), "1");
});

test("the history and its branches are listed", async () => {
  const repo = await addDataset({ a: "1" });
  const made = await commit(repo, [file("a", "2")]);
  const commits = await all(hub.listCommits({ ...alice, repo, batchSize: 2 }));
  assert.deepEqual([commits.length, commits[0].oid, commits[0].authors[0].username], [3, made.commit.oid, "alice"]);
  assert.equal(await hub.countCommits({ ...alice, repo }), 3);
  await hub.createBranch({ ...alice, repo, branch: "old", revision: commits[1].oid });
  assert.equal(await text(repo, "a", { revision: "old" }), "1");
  await hub.deleteBranch({ ...alice, repo, branch: "old" });
  await assert.rejects(text(repo, "a", { revision: "old" }), { statusCode: 404 });
});
