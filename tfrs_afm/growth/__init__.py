"""The next model from the last one: carries weights over when vocabularies and columns change."""

from tfrs_afm.growth.carry_over import carry_over
from tfrs_afm.growth.growth_report import CarriedTable, CarriedVariable, GrowthReport

__all__ = ["CarriedTable", "CarriedVariable", "GrowthReport", "carry_over"]
