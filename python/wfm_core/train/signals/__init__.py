# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a model of single signals: crops out of synthetic bands, kept on disk while they are used."""
