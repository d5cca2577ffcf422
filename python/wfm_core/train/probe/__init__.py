# SPDX-License-Identifier: GPL-3.0-or-later
"""Does pretraining help? Small labelled tasks on frozen features, beside random weights and training from scratch.

An evaluation that trains: classifiers, and the network itself by the loop of small networks.
"""
