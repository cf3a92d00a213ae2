"""The same rule with its bands as sums of comparisons: quicker than scales, which search each value's band.

Users of OpenFisca write scales, so `tech_sme.py` is the reference. This reform says how much of its time they take.
"""

import numpy
from openfisca_core.periods import DateUnit
from openfisca_core.reforms import Reform
from openfisca_core.taxscales import SingleAmountTaxScale
from openfisca_core.variables import Variable

from tech_sme import Firm


def points(scale: SingleAmountTaxScale, base: numpy.ndarray) -> numpy.ndarray:
    """What the scale gives, as the sum of what each band adds to the one below it."""
    total = numpy.zeros(len(base), numpy.int32)
    for threshold, below, amount in zip(scale.thresholds, [0, *scale.amounts], scale.amounts, strict=False):
        total += (base >= threshold) * numpy.int32(amount - below)
    return total


class tech_staff_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR

    def formula(firm, period, parameters):
        return points(parameters(period).tech_staff, firm("tech_staff", period) / firm("staff", period))


class rd_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR

    def formula(firm, period, parameters):
        expense = firm("rd_expense", period)
        by_sales = points(parameters(period).rd_to_sales, expense / firm("annual_sales", period))
        by_cost = points(parameters(period).rd_to_cost, expense / firm("total_cost", period))
        return numpy.maximum(by_sales, by_cost)


class ip_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR

    def formula(firm, period, parameters):
        by_class2 = points(parameters(period).class2_ip, firm("class2_ip", period))
        by_class1 = numpy.int32(parameters(period).class1_ip)
        return numpy.where(firm("class1_ip", period) >= 1, by_class1, by_class2)


class Lean(Reform):
    """Replaces the formulas that have bands."""

    def apply(self):
        for variable in (tech_staff_score, rd_score, ip_score):
            self.update_variable(variable)
