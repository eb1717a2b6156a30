"""Typed, frozen configuration.

In: `tilth.toml`, `--set` and `--label`. Out: `Settings` (`load`), or an error that names the nearest valid key; a
config as the text of a file (`config_toml`). A key is a field with a default and a description, of which the documents
are made: of no single stage in `settings.py`, `nights.py` and `engine.py`, of a stage in that stage's config.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.config.as_text import config_examples, config_toml
    from tilth.config.base import FOLDER, Model, StageConfig
    from tilth.config.engine import EngineConfig
    from tilth.config.loading import load, parse_names, parse_override, parse_task, parse_tasks
    from tilth.config.nights import ScheduleConfig
    from tilth.config.settings import DataConfig, EncoderConfig, ImageConfig, Settings, StoreConfig, TaskConfig

__getattr__, __dir__ = lazy_exports(__name__)
