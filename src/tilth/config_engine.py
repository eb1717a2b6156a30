"""Where `EngineConfig` stood: a flow in a workspace that an earlier `tilth init` made takes it from here."""

from tilth.config import EngineConfig

__all__ = ["EngineConfig"]
