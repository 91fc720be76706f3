"""The exponential moving average of a network's weights."""

import torch
from torch import nn


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average a little towards the network; counters are copied.

    Args:
        ema: the average, of the same kind as the network.
        network: what is trained.
        decay: the average's share of itself that it keeps, 0..1.
        step: optimiser steps done; a young average would be mostly its random start, so it
            begins with a short memory.
    """
    decay = min(decay, (1 + step) / (10 + step))
    trained = network.state_dict()
    for name, average in ema.state_dict().items():
        if average.is_floating_point():
            average.lerp_(trained[name], 1 - decay)
        else:
            average.copy_(trained[name])
