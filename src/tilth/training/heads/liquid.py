"""A liquid head: a closed-form continuous-time network reads the encoder's token states one after the other.

Experimental: it shows that heads are plug-ins. Hasani et al. 2022, "Closed-form continuous-time neural networks", by
the package ncps (the extra `liquid`).
"""

from __future__ import annotations

import torch
from torch import nn

from tilth.learn.encoder import Trunk
from tilth.training.heads.registry import require_head

_UNITS = 64


class LiquidTrunk(Trunk):
    """An encoder whose vectors are what a liquid network holds after a text's last token, projected to their length.

    Args:
        trunk: the encoder; its layers are used, its pooling is not.

    Raises:
        ConfigError: the package is not installed.
    """

    def __init__(self, trunk: Trunk) -> None:
        require_head("liquid")
        from ncps.torch import CfC

        nn.Module.__init__(self)
        self.model, self.first_token = trunk.model, trunk.first_token
        dimensions = int(trunk.model.config.hidden_size)
        self.head = nn.ModuleDict({"cfc": CfC(dimensions, _UNITS), "project": nn.Linear(_UNITS, dimensions)})

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1, shape (rows, dimensions)."""
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        with torch.autocast(hidden.device.type, enabled=False):  # a state that is carried on keeps its precision
            states = self._states(hidden)
            last = (attention_mask.sum(1) - 1).view(-1, 1, 1).expand(-1, 1, _UNITS)
            return nn.functional.normalize(self.head["project"](states.gather(1, last)[:, 0]), dim=1)

    def _states(self, hidden: torch.Tensor) -> torch.Tensor:
        """The network's state after each token, shape (rows, tokens, units)."""
        if not torch.compiler.is_exporting():
            states: torch.Tensor = self.head["cfc"](hidden)[0]
            return states
        # A loop over tokens cannot be traced for any number of them; ONNX has an operator for it.
        from torch._higher_order_ops.scan import scan

        cell, elapsed = self.head["cfc"].rnn_cell, torch.ones((), dtype=hidden.dtype)

        def step(state: torch.Tensor, token: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            after = cell(token, state, elapsed)[0]
            return after, after.clone()

        _, after = scan(step, torch.zeros((hidden.shape[0], _UNITS), dtype=hidden.dtype), hidden.transpose(0, 1))
        return after.transpose(0, 1)
