# SPDX-License-Identifier: GPL-3.0-or-later
"""What training minimises, a Lightning module in each file: masked and contrastive pretraining, labelled windows."""
