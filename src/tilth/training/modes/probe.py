"""The encoder stays as it is; linear heads on its vectors are all that is fitted."""

from tilth.training.modes.base import Mode

PROBE = Mode(name="probe", meaning="the encoder as it is, in seconds", step_cost=0.0, train=None)
