"""The Hub for tests, as the official Python client sees it; `tests/whole` runs this file with client 2.x."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    get_hf_file_metadata,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    BadRequestError,
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from support.hub import Hub, Repository, running_hub

pytestmark = pytest.mark.slow

BINARY = bytes(range(256)) * 1000
numbers = itertools.count()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def api(hub: Hub) -> HfApi:
    """Of alice, who may write to acme, which may have Spaces."""
    hub.accounts.plans["acme"] = "team"
    return HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))


@pytest.fixture(scope="module")
def stranger(hub: Hub) -> HfApi:
    """Of bob, who has nothing to do with acme."""
    return HfApi(endpoint=hub.url, token=hub.add_user("bob"))


@pytest.fixture(scope="module")
def nobody(hub: Hub) -> HfApi:
    """Of somebody who is not logged in."""
    return HfApi(endpoint=hub.url, token=False)


@pytest.fixture
def dataset(hub: Hub) -> Repository:
    """An empty dataset of acme."""
    return hub.add_dataset(f"acme/data-{next(numbers)}")


@pytest.fixture
def model(hub: Hub) -> Repository:
    """A model of acme, with two files."""
    return hub.add_model(f"acme/model-{next(numbers)}", {"config.json": "{}", "weights.bin": BINARY})


def commit(api: HfApi, dataset: Repository, files: dict[str, bytes], **options: object) -> str:
    """Commit files to a dataset, and return the commit's id."""
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    made = api.create_commit(
        dataset.name.id, operations, commit_message="add", repo_type="dataset", **options
    )
    return made.oid


def paths(api: HfApi, dataset: Repository, **options: object) -> list[str]:
    """What a dataset has, but for the file that every repository has."""
    found = api.list_repo_tree(dataset.name.id, repo_type="dataset", **options)
    return [each.path for each in found if each.path != ".gitattributes"]


# Accounts


def test_whoami_tells_the_user_the_organisations_and_the_role_of_the_token(api: HfApi) -> None:
    answer = api.whoami()
    assert (answer["name"], answer["type"]) == ("alice", "user")
    assert [(each["name"], each["roleInOrg"]) for each in answer["orgs"]] == [("acme", "write")]
    assert answer["auth"]["accessToken"]["role"] == "write"


def test_an_unknown_token_is_refused_everywhere(hub: Hub, dataset: Repository) -> None:
    api = HfApi(endpoint=hub.url, token="hf_unknown")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami()
    with pytest.raises(HfHubHTTPError) as error:
        api.dataset_info(dataset.name.id)
    assert error.value.response.status_code == 401
    assert not isinstance(error.value, RepositoryNotFoundError)


def test_a_token_can_be_revoked_while_it_is_used(hub: Hub) -> None:
    token = hub.add_user("carol")
    api = HfApi(endpoint=hub.url, token=token)
    api.whoami()
    hub.accounts.revoke(token)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami()


def test_a_token_to_read_cannot_commit(hub: Hub, dataset: Repository, api: HfApi) -> None:
    reader = HfApi(endpoint=hub.url, token=hub.add_token("alice", "read"))
    with pytest.raises(HfHubHTTPError) as error:
        commit(reader, dataset, {"a": b"1"})
    assert error.value.response.status_code == 403


def test_a_fine_grained_token_writes_only_what_it_names(hub: Hub, api: HfApi) -> None:
    named, other = (hub.add_dataset(f"acme/fine-{number}") for number in range(2))
    fine = HfApi(endpoint=hub.url, token=hub.add_token("alice", "fineGrained", [named.name.path]))
    commit(fine, named, {"a": b"1"})
    with pytest.raises(HfHubHTTPError, match="403"):
        commit(fine, other, {"a": b"1"})


def test_a_fine_grained_token_that_names_nothing_is_good_for_whoami(hub: Hub, api: HfApi) -> None:
    private = hub.add_dataset("acme/not-for-tokens", private=True)
    fine = HfApi(endpoint=hub.url, token=hub.add_token("alice", "fineGrained"))
    assert fine.whoami()["name"] == "alice"
    with pytest.raises(RepositoryNotFoundError):
        fine.dataset_info(private.name.id)


# Repositories


def test_a_new_repository_is_there_and_has_a_first_commit(api: HfApi) -> None:
    url = api.create_repo("acme/new", repo_type="dataset", private=True)
    assert (url.repo_id, url.repo_type) == ("acme/new", "dataset")
    info = api.dataset_info("acme/new")
    assert info.private
    assert [each.commit_id for each in api.list_repo_commits("acme/new", repo_type="dataset")] == [info.sha]


def test_a_repository_that_exists_is_not_created_again(api: HfApi, dataset: Repository) -> None:
    with pytest.raises(HfHubHTTPError) as error:
        api.create_repo(dataset.name.id, repo_type="dataset")
    assert error.value.response.status_code == 409
    assert api.create_repo(dataset.name.id, repo_type="dataset", exist_ok=True).repo_id == dataset.name.id


def test_nobody_creates_a_repository_for_somebody_else(stranger: HfApi) -> None:
    with pytest.raises(HfHubHTTPError, match="rights to create a model under the namespace"):
        stranger.create_repo("acme/mine")


def test_a_deleted_repository_is_gone(api: HfApi, dataset: Repository) -> None:
    api.delete_repo(dataset.name.id, repo_type="dataset")
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info(dataset.name.id)
    api.delete_repo(dataset.name.id, repo_type="dataset", missing_ok=True)


def test_a_private_repository_looks_to_others_as_if_it_were_not_there(
    api: HfApi, stranger: HfApi, nobody: HfApi, dataset: Repository
) -> None:
    api.update_repo_settings(dataset.name.id, private=True, repo_type="dataset")
    assert api.repo_exists(dataset.name.id, repo_type="dataset")
    for other, status in [(stranger, 404), (nobody, 401)]:
        with pytest.raises(RepositoryNotFoundError) as error:
            other.dataset_info(dataset.name.id)
        assert error.value.response.status_code == status
        assert not other.repo_exists(dataset.name.id, repo_type="dataset")


def test_who_may_do_what_can_be_asked(api: HfApi, stranger: HfApi, nobody: HfApi, model: Repository) -> None:
    api.auth_check(model.name.id, write=True)
    stranger.auth_check(model.name.id)
    for other in (stranger, nobody):
        with pytest.raises(HfHubHTTPError):
            other.auth_check(model.name.id, write=True)


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_repositories_of_each_type_may_have_the_same_name(api: HfApi, repo_type: str, tmp_path: Path) -> None:
    sdk = {"space_sdk": "gradio"} if repo_type == "space" else {}
    api.create_repo("acme/same", repo_type=repo_type, **sdk)
    api.upload_file(
        path_or_fileobj=repo_type.encode(), path_in_repo="a", repo_id="acme/same", repo_type=repo_type
    )
    assert api.repo_info("acme/same", repo_type=repo_type).id == "acme/same"
    path = api.hf_hub_download("acme/same", "a", repo_type=repo_type, cache_dir=tmp_path)
    assert Path(path).read_text() == repo_type


# Commits


def test_what_was_committed_is_read_again(api: HfApi, dataset: Repository, tmp_path: Path) -> None:
    files = {"a/b/c.json": b"{}", "empty": b"", "ünï cödé/🟢 %2F+.json": "ü".encode()}
    commit(api, dataset, files)
    assert dataset.files() == files
    folder = api.snapshot_download(dataset.name.id, repo_type="dataset", cache_dir=tmp_path)
    assert {path: (Path(folder) / path).read_bytes() for path in files} == files


@pytest.mark.parametrize("digits", [40, 7])
def test_a_commit_on_the_present_parent_lands(api: HfApi, dataset: Repository, digits: int) -> None:
    oid = commit(api, dataset, {"a": b"1"}, parent_commit=dataset.head.id[:digits])
    assert dataset.head.id == oid == api.dataset_info(dataset.name.id).sha


def test_a_commit_on_an_old_parent_is_refused_with_412_and_changes_nothing(
    api: HfApi, dataset: Repository
) -> None:
    old = dataset.head.id
    now = commit(api, dataset, {"a": b"1"})
    with pytest.raises(HfHubHTTPError, match="The branch was updated since you opened this page") as error:
        commit(api, dataset, {"b": b"2"}, parent_commit=old)
    assert error.value.response.status_code == 412
    assert dataset.head.id == now


def test_files_and_folders_are_deleted(api: HfApi, dataset: Repository) -> None:
    dataset.put({"file": "1", "folder/a": "2", "folder/b/c": "3", "kept": "4"})
    operations = [CommitOperationDelete("file"), CommitOperationDelete("folder/")]
    api.create_commit(dataset.name.id, operations, commit_message="delete", repo_type="dataset")
    assert dataset.files() == {"kept": b"4"}


@pytest.mark.parametrize("path", ["missing", "a/b", "missing/"])
def test_deleting_what_is_not_there_changes_nothing(api: HfApi, dataset: Repository, path: str) -> None:
    before = dataset.put({"a": "1"})
    operations = [CommitOperationAdd("new", b"2"), CommitOperationDelete(path)]
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.create_commit(dataset.name.id, operations, commit_message="delete", repo_type="dataset")
    assert dataset.head is before


@pytest.mark.parametrize("path", ["a/b", "folder"])
def test_a_file_is_not_put_where_a_folder_is_nor_below_a_file(
    api: HfApi, dataset: Repository, path: str
) -> None:
    before = dataset.put({"a": "1", "folder/b": "2"})
    with pytest.raises(BadRequestError, match="already exists"):
        commit(api, dataset, {path: b"3"})
    assert dataset.head is before


def test_a_file_that_has_not_changed_is_not_sent(hub: Hub, api: HfApi, dataset: Repository) -> None:
    files = {"text": b"1", "binary": BINARY}
    dataset.put(files)
    assert commit(api, dataset, files) == dataset.head.id
    assert hub.calls.count(route="commit", repository=dataset.name.path) == 0


def test_a_large_file_goes_through_git_lfs(api: HfApi, dataset: Repository, tmp_path: Path) -> None:
    commit(api, dataset, {"binary": BINARY})
    [file] = api.get_paths_info(dataset.name.id, "binary", repo_type="dataset")
    assert (file.size, file.lfs.size, file.lfs.sha256) == (
        len(BINARY),
        len(BINARY),
        next(iter(dataset.large_files)),
    )
    path = api.hf_hub_download(dataset.name.id, "binary", repo_type="dataset", cache_dir=tmp_path)
    assert Path(path).read_bytes() == dataset.read("binary") == BINARY


def test_a_pull_request_leaves_the_branch_alone(api: HfApi, stranger: HfApi, dataset: Repository) -> None:
    before = dataset.put({"a": "1"})
    operations = [CommitOperationAdd("a", b"2")]
    made = stranger.create_commit(
        dataset.name.id, operations, commit_message="change", repo_type="dataset", create_pr=True
    )
    assert made.pr_revision == "refs/pr/1"
    assert dataset.head is before
    assert api.dataset_info(dataset.name.id, revision="refs/pr/1").sha == made.oid
    assert dataset.read("a", "refs/pr/1") == b"2"
    refs = api.list_repo_refs(dataset.name.id, repo_type="dataset", include_pull_requests=True)
    assert [each.ref for each in refs.pull_requests] == ["refs/pr/1"]


def test_a_readme_is_checked_before_it_is_committed(api: HfApi, dataset: Repository) -> None:
    commit(api, dataset, {"README.md": b"---\nlicense: mit\n---\n# Data"})
    with pytest.raises(ValueError, match=r"Invalid metadata in README\.md"):
        commit(api, dataset, {"README.md": b"---\nlicense: [\n---\n"})


# Files


def test_a_long_list_comes_in_pages_of_1000(hub: Hub, api: HfApi, dataset: Repository) -> None:
    dataset.put({f"{number:04}/file": str(number) for number in range(1200)})
    before = hub.calls.count(route="tree")
    found = paths(api, dataset, recursive=True)
    assert found == [path for number in range(1200) for path in (f"{number:04}", f"{number:04}/file")]
    assert hub.calls.count(route="tree") - before == 3


def test_an_expanded_list_comes_in_pages_of_50_with_the_last_commits(
    hub: Hub, api: HfApi, dataset: Repository
) -> None:
    dataset.put({f"{number:03}": "1" for number in range(60)}, title="all")
    dataset.put({"007": "2"}, title="one")
    before = hub.calls.count(route="tree")
    found = list(api.list_repo_tree(dataset.name.id, repo_type="dataset", expand=True))
    assert hub.calls.count(route="tree") - before == 2
    titles = {file.path: file.last_commit.title for file in found}
    assert (titles["007"], titles["008"], titles[".gitattributes"]) == ("one", "all", "initial commit")


def test_a_folder_is_listed_alone_or_with_all_below_it(api: HfApi, dataset: Repository) -> None:
    dataset.put({"a/b/c": "1", "a/d": "2", "e": "3"})
    assert paths(api, dataset) == ["a", "e"]
    assert paths(api, dataset, path_in_repo="a") == ["a/b", "a/d"]
    assert paths(api, dataset, path_in_repo="a", recursive=True) == ["a/b", "a/b/c", "a/d"]
    with pytest.raises(EntryNotFoundError):
        paths(api, dataset, path_in_repo="missing")


def test_of_the_paths_that_are_asked_for_the_unknown_are_left_out(api: HfApi, dataset: Repository) -> None:
    dataset.put({"a/b": "1", "c": "2"})
    found = api.get_paths_info(dataset.name.id, ["a", "c", "missing"], repo_type="dataset", expand=True)
    assert [(type(each).__name__, each.path) for each in found] == [("RepoFolder", "a"), ("RepoFile", "c")]


def test_a_file_is_downloaded_once(hub: Hub, api: HfApi, model: Repository, tmp_path: Path) -> None:
    for _ in range(2):
        path = hf_hub_download(
            model.name.id, "weights.bin", cache_dir=tmp_path, endpoint=hub.url, token=False
        )
        assert Path(path).read_bytes() == BINARY
    assert hub.calls.count(route="fetch", repository=model.name.path) == 1
    assert path.split("/")[-2] == model.head.id


def test_a_snapshot_has_all_files_of_a_revision(hub: Hub, model: Repository, tmp_path: Path) -> None:
    old = model.head.id
    model.put({"config.json": "new"})
    folder = Path(
        snapshot_download(model.name.id, revision=old, cache_dir=tmp_path, endpoint=hub.url, token=False)
    )
    assert {path.name: path.read_bytes() for path in folder.glob("[!.]*")} == {
        "config.json": b"{}",
        "weights.bin": BINARY,
    }


@pytest.mark.parametrize("path", ["text", "binary"])
def test_a_part_of_a_file_can_be_read(api: HfApi, dataset: Repository, path: str) -> None:
    dataset.put({"text": "0123456789", "binary": BINARY})
    files = HfFileSystem(endpoint=api.endpoint, token=api.token, skip_instance_cache=True)
    content = dataset.read(path)
    assert files.cat_file(f"datasets/{dataset.name.id}/{path}", start=2, end=5) == content[2:5]
    assert files.cat_file(f"datasets/{dataset.name.id}/{path}", start=-3) == content[-3:]


def test_what_exists_is_told_from_what_does_not(api: HfApi, model: Repository) -> None:
    assert api.file_exists(model.name.id, "config.json")
    assert not api.file_exists(model.name.id, "missing.json")
    assert api.revision_exists(model.name.id, "main")
    assert not api.revision_exists(model.name.id, "missing")
    assert not api.repo_exists("acme/missing")


def test_each_thing_that_is_missing_has_an_error_of_its_own(
    api: HfApi, nobody: HfApi, model: Repository, tmp_path: Path
) -> None:
    for error, repository, path, revision in [
        (RepositoryNotFoundError, "acme/missing", "config.json", "main"),
        (RevisionNotFoundError, model.name.id, "config.json", "missing"),
        (EntryNotFoundError, model.name.id, "missing.json", "main"),
    ]:
        for someone in (api, nobody):
            with pytest.raises(error):
                someone.hf_hub_download(repository, path, revision=revision, cache_dir=tmp_path)


def test_a_gated_model_is_described_to_all_and_read_by_those_let_in(
    stranger: HfApi, nobody: HfApi, model: Repository, tmp_path: Path
) -> None:
    model.gated = "manual"
    for other, status in [(stranger, 403), (nobody, 401)]:
        assert other.model_info(model.name.id).gated == "manual"
        with pytest.raises(GatedRepoError) as error:
            other.hf_hub_download(model.name.id, "config.json", cache_dir=tmp_path)
        assert error.value.response.status_code == status
        with pytest.raises(GatedRepoError):
            other.auth_check(model.name.id)
    model.readers.add("bob")
    stranger.hf_hub_download(model.name.id, "config.json", cache_dir=tmp_path)


def test_a_disabled_model_is_not_read(api: HfApi, model: Repository) -> None:
    model.disabled = True
    assert api.model_info(model.name.id).disabled
    with pytest.raises(DisabledRepoError):
        get_hf_file_metadata(f"{api.endpoint}/{model.name.id}/resolve/main/config.json")


# Information


@pytest.mark.parametrize("name", ["branch", "tag", "id", "short id"])
def test_a_revision_is_named_in_several_ways(api: HfApi, model: Repository, name: str) -> None:
    wanted = model.head.id
    model.history.point("refs/heads/branch", wanted)
    model.history.point("refs/tags/tag", wanted)
    model.put({"new": "1"})
    revision = {"id": wanted, "short id": wanted[:7]}.get(name, name)
    assert api.model_info(model.name.id, revision=revision).sha == wanted


def test_head_is_the_main_branch(api: HfApi, model: Repository) -> None:
    assert api.model_info(model.name.id, revision="HEAD").sha == model.head.id


def test_a_model_is_described_from_its_files(hub: Hub, api: HfApi) -> None:
    header = b'{"__metadata__":{},"a":{"dtype":"F32","shape":[2,3]},"b":{"dtype":"BF16","shape":[5]}}'
    weights = len(header).to_bytes(8, "little") + header
    card = "---\nlicense: mit\nbase_model: acme/base\ntags: [tiny]\ndate: 2026-01-31\n---\n# A model\n"
    config = '{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8}'
    model = hub.add_model(
        "acme/described",
        {"README.md": card, "config.json": config, "model.safetensors": weights, "2.safetensors": weights},
        likes=3,
        downloads=4,
    )
    info = api.model_info("acme/described")
    assert (info.id, info.author, info.sha) == ("acme/described", "acme", model.head.id)
    assert info.safetensors.parameters == {"F32": 12, "BF16": 10}
    assert info.safetensors.total == 22
    assert info.config == {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    assert (info.card_data.license, info.card_data.base_model) == ("mit", "acme/base")
    assert (info.library_name, info.pipeline_tag) == ("transformers", "text-generation")
    assert {"transformers", "tiny", "license:mit", "base_model:acme/base"} <= set(info.tags)
    assert (info.private, info.gated, info.disabled, info.likes, info.downloads) == (
        False,
        False,
        False,
        3,
        4,
    )
    assert info.last_modified == model.head.date
    assert "model.safetensors" in [file.rfilename for file in info.siblings]


def test_expand_gives_what_it_names_and_nothing_else(api: HfApi, hub: Hub) -> None:
    hub.add_model("acme/expanded", {"README.md": "---\nbase_model: [acme/base]\n---\n"})
    info = api.model_info("acme/expanded", expand=["sha", "baseModels", "safetensors"])
    assert info.sha
    assert [each["id"] for each in info.base_models["models"]] == ["acme/base"]
    assert (info.safetensors, info.author, info.siblings, info.likes) == (None, None, None, None)


def test_files_are_described_on_demand(api: HfApi, model: Repository) -> None:
    info = api.model_info(model.name.id, files_metadata=True)
    files = {file.rfilename: file for file in info.siblings}
    assert files["config.json"].size == 2
    assert files["config.json"].blob_id == "9e26dfeeb6e641a33dae4961196235bdb965b21b"
    assert files["weights.bin"].lfs.size == len(BINARY)


# Names that changed


def test_a_renamed_model_is_found_under_its_old_name_and_told_by_its_new_one(
    api: HfApi, hub: Hub, model: Repository, tmp_path: Path
) -> None:
    old, new = model.name.id, f"{model.name.id}-renamed"
    api.move_repo(old, new)
    assert api.model_info(old).id == api.model_info(old, revision="main").id == new
    for path in ("config.json", "weights.bin"):
        assert Path(api.hf_hub_download(old, path, cache_dir=tmp_path)).exists()
    made = api.create_commit(old, [CommitOperationAdd("new", b"1")], commit_message="add")
    assert model.head.id == made.oid
    assert len(list(api.list_repo_tree(old))) == 4


def test_a_name_in_other_letters_is_the_same_name(api: HfApi, model: Repository) -> None:
    assert api.model_info(model.name.id.upper()).id == model.name.id


def test_an_old_name_without_an_organisation_leads_to_the_new_one(
    api: HfApi, hub: Hub, tmp_path: Path
) -> None:
    hub.add_model("gpt0", {"config.json": "{}"})
    assert api.model_info("gpt0").id == "gpt0"
    assert [each.name for each in api.list_repo_refs("gpt0").branches] == ["main"]
    hub.rename("model", "gpt0", "acme/gpt0")
    assert api.model_info("gpt0").id == "acme/gpt0"
    assert Path(api.hf_hub_download("gpt0", "config.json", cache_dir=tmp_path)).exists()


# History


def test_the_history_is_listed_the_newest_first(api: HfApi, dataset: Repository) -> None:
    made = [dataset.put({"a": str(number)}, title=f"change {number}") for number in range(3)]
    found = api.list_repo_commits(dataset.name.id, repo_type="dataset", formatted=True)
    assert [each.title for each in found] == ["change 2", "change 1", "change 0", "initial commit"]
    assert [each.commit_id for each in found[:3]] == [each.id for each in reversed(made)]


def test_branches_and_tags_come_and_go(api: HfApi, dataset: Repository) -> None:
    repository = {"repo_id": dataset.name.id, "repo_type": "dataset"}
    old = dataset.head.id
    dataset.put({"a": "1"})
    api.create_branch(**repository, branch="a/b", revision=old)
    api.create_tag(**repository, tag="v1", revision="a/b")
    refs = api.list_repo_refs(**repository)
    assert {each.ref: each.target_commit for each in (*refs.branches, *refs.tags)} == {
        "refs/heads/main": dataset.head.id,
        "refs/heads/a/b": old,
        "refs/tags/v1": old,
    }
    for create in (
        lambda: api.create_branch(**repository, branch="a/b"),
        lambda: api.create_tag(**repository, tag="v1"),
    ):
        with pytest.raises(HfHubHTTPError, match="409"):
            create()
    api.delete_branch(**repository, branch="a/b")
    api.delete_tag(**repository, tag="v1")
    refs = api.list_repo_refs(**repository)
    assert ([each.name for each in refs.branches], refs.tags) == (["main"], [])


def test_a_squashed_history_is_one_commit_and_its_old_commits_are_gone(
    api: HfApi, dataset: Repository
) -> None:
    old = dataset.put({"a": "1"}).id
    dataset.put({"b": "2"})
    api.super_squash_history(dataset.name.id, repo_type="dataset")
    assert len(api.list_repo_commits(dataset.name.id, repo_type="dataset")) == 1
    assert dataset.files() == {"a": b"1", "b": b"2"}
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(dataset.name.id, revision=old)
