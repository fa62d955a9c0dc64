"""Damaged files, odd arguments, odd environments and sudden ends: does anything break the command."""
