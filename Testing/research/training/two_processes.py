"""Trains the toy recipe as one of the processes of `torchrun`: two_processes.py RUN."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from research.training.toy import PLAIN, Translations
from spine_ctmr.research.training.trainer import train

torch.set_num_threads(1)
train(PLAIN, Path(sys.argv[1]), Translations())
