"""Trainings and statistics that several checks share."""
