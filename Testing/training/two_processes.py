"""Trains the toy recipe as one of the processes of `torchrun`: two_processes.py RUN."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from SpineCTMRRegistrationLib.training.trainer import train
from training.toy import PLAIN, Translations

torch.set_num_threads(1)
train(PLAIN, Path(sys.argv[1]), Translations())
