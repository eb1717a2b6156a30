"""A model's folder as a repository of the Hub, its card as the README."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

from tilth.errors import RequestError, TilthError
from tilth.training.export.folder.digests import check_digests

_CARD = "README.md"
_TOKEN = "give a token that may write: hf auth login, or the variable HF_TOKEN"  # what to do about one


class HubError(TilthError):
    """The Hub could not be reached, or refused."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What was pushed.

    Attributes:
        address: of the repository.
        commit: of the Hub.
        private: whether only its owners see it.
        files: how many there are.
    """

    address: str
    commit: str
    private: bool
    files: int


def push_model(folder: Path, repository: str, *, public: bool = False, message: str | None = None) -> Pushed:
    """Upload a model's folder to a repository of the Hub, which is made where there is none.

    Args:
        folder: of the model; its files are checked first.
        repository: its owner and name, with a slash between.
        public: whether everybody may read it.
        message: of the commit.

    Raises:
        RequestError: the folder holds no whole model, the name is none, or a repository of that name is public and
            `public` was not given.
        HubError: the Hub cannot be reached, or refuses.
    """
    if not (folder / "tilth.json").is_file():
        raise RequestError(
            f"{folder} holds no model (no tilth.json); name a run that trained one: tilth push --run RUN"
        )
    check_digests(folder)
    if not (folder / _CARD).is_file():
        raise RequestError(f"{folder} holds no card ({_CARD}); write it with: tilth report RUN")
    if repository.count("/") != 1:
        raise RequestError(f'"{repository}" is no repository of the Hub; expected OWNER/NAME')
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    api = HfApi(library_name="tilth")
    try:
        address = api.create_repo(repository, private=not public, exist_ok=True)
        private = bool(api.model_info(repository).private)
        if not private and not public:
            raise RequestError(
                f"{repository} is there already and public: everybody would see the model, with the words that it "
                "knows of your rows; give --public, or another name"
            )
        text = message or f"tilth model {folder.resolve().parent.name}"
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, allow_patterns=files, delete_patterns=["*"], commit_message=text
        )
    except HFValidationError as error:
        raise RequestError(f'"{repository}" is no repository of the Hub ({error}); expected OWNER/NAME') from None
    except LocalTokenNotFoundError:
        raise HubError(f"nobody is logged in to the Hub; {_TOKEN}") from None
    except OfflineModeIsEnabled:
        raise HubError("the variable HF_HUB_OFFLINE forbids asking the Hub; unset it for this command") from None
    except HfHubHTTPError as error:
        raise HubError(_refused(error, repository)) from error
    except Exception as error:  # the client's own library of the network is httpx in one version, httpx2 in another
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        raise HubError(
            f"{api.endpoint} cannot be reached ({type(error).__name__}: {error}); see that there is a network, or name "
            "another Hub by the variable HF_ENDPOINT"
        ) from error
    return Pushed(address=str(address), commit=str(commit.oid), private=private, files=len(files))


def _refused(error: HfHubHTTPError, repository: str) -> str:
    """What the Hub's status means, and what to do."""
    status = error.response.status_code if error.response is not None else 0
    reason = error.server_message or str(error).strip().splitlines()[0]
    if status == 401:
        return f"the Hub does not know the token ({reason}); {_TOKEN}"
    if status == 403:
        return f"the token may not write to {repository} ({reason}); {_TOKEN} to {repository.partition('/')[0]}"
    if status == 404:
        return f"the Hub has no owner for {repository}, or the token may not see it ({reason})"
    return f"the Hub refused {repository} (status {status}: {reason}); try again later"
