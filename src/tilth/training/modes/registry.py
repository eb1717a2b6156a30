"""The modes of training by their names: another one is a file beside these, and a line here."""

from tilth.training.modes.base import Mode
from tilth.training.modes.contrastive import CONTRASTIVE
from tilth.training.modes.full import FULL
from tilth.training.modes.probe import PROBE
from tilth.training.modes.top import TOP

MODES: dict[str, Mode] = {mode.name: mode for mode in (PROBE, TOP, FULL, CONTRASTIVE)}
