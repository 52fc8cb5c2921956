"""``luisy doctor``: it says what is set and what works, and goes on whatever is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from luisy import settings
from luisy.cas.materialise import fill
from luisy.model import LinkMode
from tests.azurite import ACCOUNT
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    from tests.azurite import Azurite
    from tests.cli.project import Done, Project

CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=bWFya2Vk;BlobEndpoint=http://127.0.0.1:9/a;"
)


def diagnosis(project: Project, **environment: str) -> Any:
    """The document, of a doctor that found nothing misconfigured."""
    done = project.luisy("doctor", "--json", **environment)
    assert done.code == 0, done.err
    return done.document


def slugs(done: Done) -> list[str]:
    """The slugs of the problems."""
    return [problem["slug"] for problem in done.document["problems"]]


def test_every_setting_has_its_origin(project: Project) -> None:
    """All settings in their order, each with the variable, the file, the flag or the default that it came from."""
    (project.folder / "pyproject.toml").write_text("[tool.luisy]\nworkers = 3\n")
    found = diagnosis(project, LUISY_LINK="copy")["settings"]
    assert tuple(one["name"] for one in found) == settings.NAMES
    by_name = {one["name"]: (one["value"], one["from"]) for one in found}
    assert by_name["link"] == ("copy", "environment variable LUISY_LINK")
    assert by_name["workers"] == (3, f"{project.folder}/pyproject.toml [tool.luisy]")
    assert by_name["json"] == (True, "flag or call")
    assert by_name["adopt"] == (True, "default")


def test_secrets_are_only_said_to_be_set(project: Project) -> None:
    """Neither the document nor the text has one, nor a URL with a token that was pasted into a setting."""
    secrets = {
        "LUISY_AZURE_STORAGE_KEY": "bWFya2VkIGtleQ==",
        "LUISY_AZURE_SAS_TOKEN": "sig=marked-token",
        "LUISY_AZURE_CONNECTION_STRING": CONNECTION,
        "LUISY_REMOTE": "https://a.blob.core.windows.net/c?sig=marked-url",
    }
    for options in (("--json",), ("-v",)):
        done = project.luisy("doctor", *options, **secrets)
        assert not [
            secret for secret in ("bWFya2Vk", "marked-token", "marked-url") if secret in done.out + done.err
        ]
    found = project.luisy("doctor", "--json", **secrets).document["settings"]
    by_name = {one["name"]: one["value"] for one in found}
    assert {by_name[name] for name in settings.SECRETS} == {"set"}


def test_links_are_really_tried(project: Project) -> None:
    """What it says of reflinks and hard links is what happens between two files there; none of its files stay."""
    project.luisy("run", "Upper")
    source = project.data / "source"
    source.write_bytes(b"x" * 5000)
    modes = [
        fill(str(source), str(project.data / mode.value), mode)
        for mode in (LinkMode.REFLINK, LinkMode.HARDLINK)
    ]
    before = sorted(os.walk(project.data))
    links = diagnosis(project)["links"]
    assert links == {
        "folder": str(project.data),
        "reflink": modes[0] is LinkMode.REFLINK,
        "hardlink": modes[1] is LinkMode.HARDLINK,
    }
    assert sorted(os.walk(project.data)) == before


def test_the_store(project: Project) -> None:
    """One that is not there is no problem and is not made; one that is has a schema."""
    none = diagnosis(project)
    assert none["store"] == {"path": str(project.store), "exists": False, "read_only": False, "schema": None}
    assert none["problems"] == []
    assert not project.store.exists()
    project.luisy("run", "Upper")
    there = diagnosis(project)["store"]
    assert there["exists"] is True
    assert isinstance(there["schema"], int)


def test_a_broken_store_is_a_problem_and_no_failure(project: Project) -> None:
    """The text names what is wrong with the index, and the rest is looked at all the same."""
    project.store.mkdir()
    (project.store / "index.db").write_bytes(b"rubbish" * 1000)
    done = project.luisy("doctor", "--json")
    assert (done.code, slugs(done)) == (0, ["corrupt-index"])
    assert done.document["links"]["hardlink"] is not None


def test_a_working_dir_that_cannot_be_written(project: Project) -> None:
    """It is told, with the exit code 0; nothing is known of links then."""
    project.data.chmod(0o555)
    done = project.obeying_modes("doctor", "--json")
    project.data.chmod(0o755)
    assert (done.code, slugs(done)) == (0, ["unwritable-working-dir"])
    assert done.document["links"] == {"folder": str(project.data), "reflink": None, "hardlink": None}


def test_a_bad_setting_is_a_problem_and_no_failure(project: Project) -> None:
    """Where the settings cannot be read, it says why, and what is installed."""
    done = project.luisy("doctor", "--json", LUISY_WORKERS="many")
    assert (done.code, slugs(done), done.document["settings"]) == (0, ["bad-setting"], [])
    assert done.document["versions"]["luigi"]
    assert "error[bad-setting]" in project.luisy("doctor", LUISY_WORKERS="many").err


def test_a_directory_remote_is_read_and_written(project: Project) -> None:
    """Reading and writing are tried, and no blob is left there."""
    remote = project.folder / "remote"
    remote.mkdir()
    (found,) = diagnosis(project, LUISY_REMOTE=f"file://{remote}")["remotes"]
    assert found == {
        "url": f"file://{remote}",
        "uses": ["read", "write"],
        "credential": None,
        "readable": True,
        "writable": True,
    }
    assert not [name for name in os.listdir(remote) if name != "~lock"]


def test_several_remotes(project: Project) -> None:
    """Those that are only read are not tried for writing."""
    for name in ("one", "two"):
        (project.folder / name).mkdir()
    one, two = (f"file://{project.folder}/{name}" for name in ("one", "two"))
    found = diagnosis(project, LUISY_READ=f"{one},{two}", LUISY_WRITE=two)["remotes"]
    assert [(item["url"], item["uses"], item["writable"]) for item in found] == [
        (one, ["read"], None),
        (two, ["read", "write"], True),
    ]


@pytest.mark.parametrize(
    ("environment", "slug"),
    [
        ({"LUISY_REMOTE": "file:///not/there"}, "remote-misconfigured"),
        ({"LUISY_REMOTE": "ftp://there"}, "bad-setting"),
        ({"LUISY_AZURE_ACCOUNT_NAME": "only"}, "remote-misconfigured"),
        ({"LUISY_DOWNLOAD": "yes"}, "remote-misconfigured"),
    ],
)
def test_a_misconfigured_remote_is_exit_code_3(
    project: Project, environment: dict[str, str], slug: str
) -> None:
    """Not there, no URL, some of the variables alone, or none at all though one is wanted."""
    done = project.luisy("doctor", "--json", **environment)
    assert (done.code, slugs(done)) == (3, [slug])
    assert done.document["links"]["hardlink"] is not None


def test_no_remote_is_no_problem(project: Project) -> None:
    """Where none is set and none is wanted, there is nothing to say."""
    assert diagnosis(project)["remotes"] == []
    assert "remote: none is set" in project.luisy("doctor").out


def test_a_remote_that_does_not_answer_is_a_problem_of_its_own(project: Project) -> None:
    """It is told, but the settings are not to blame: exit code 0."""
    done = project.luisy(
        "doctor", "--json", LUISY_REMOTE="azure://container", LUISY_AZURE_CONNECTION_STRING=CONNECTION
    )
    assert (done.code, slugs(done)) == (0, ["remote-unreachable"])
    (found,) = done.document["remotes"]
    assert (found["readable"], found["writable"]) == (False, None)


def test_azure_names_the_credential(project: Project, azurite: Azurite) -> None:
    """Key, token and connection string, each named by its setting, with the rights that it really has."""
    container = azurite.new_container()
    common = {"LUISY_REMOTE": f"azure://{container}", "LUISY_AZURE_ENDPOINT": azurite.endpoint}
    pusher = azurite.sas(container, "rcwl").sas_token
    for credential, more in (
        ("azure_storage_key", {"LUISY_AZURE_ACCOUNT_NAME": ACCOUNT, "LUISY_AZURE_STORAGE_KEY": azurite.key}),
        ("azure_sas_token", {"LUISY_AZURE_SAS_TOKEN": pusher}),
        ("azure_connection_string", {"LUISY_AZURE_CONNECTION_STRING": azurite.connection_string}),
    ):
        (found,) = diagnosis(project, **common, **more)["remotes"]
        assert (found["credential"], found["readable"], found["writable"]) == (credential, True, True)


def test_a_reader_is_fine_until_it_is_to_upload(project: Project, azurite: Azurite) -> None:
    """A token with ``rl`` reads and does not write; that is a misconfiguration only with ``upload``."""
    container = azurite.new_container()
    environment = {
        "LUISY_REMOTE": f"azure://{container}",
        "LUISY_AZURE_ENDPOINT": azurite.endpoint,
        "LUISY_AZURE_SAS_TOKEN": azurite.sas(container, "rl").sas_token,
    }
    (found,) = diagnosis(project, **environment)["remotes"]
    assert (found["readable"], found["writable"]) == (True, False)
    done = project.luisy("doctor", "--json", LUISY_UPLOAD="yes", **environment)
    assert (done.code, slugs(done)) == (3, ["remote-misconfigured"])
