"""The tech-SME rule (国科发政〔2017〕115号) as a tax and benefit system of OpenFisca, the way its users write one.

Numbers are dated parameters (`parameters/`), bands are scales of single amounts, each indicator is a variable with a
vectorised formula. (`numpy.select` and nested `numpy.where` are slower than scales; `lean.py` has what is quicker.)

OpenFisca keeps whole numbers in 32 bits and others in single precision, which could not tell 200,000,000.00 from
200,000,001.00. Amounts are therefore whole yuan, and their ratios, which numpy computes in double precision, stay
within a formula: there they are exact enough that no band is missed, since ratios of such amounts differ from a bound
by more than 1e-13 or not at all.
"""

from pathlib import Path

from openfisca_core.entities import build_entity
from openfisca_core.indexed_enums import Enum
from openfisca_core.periods import DateUnit
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from numpy import maximum, where

Firm = build_entity(key="firm", plural="firms", label="Firm", is_person=True)


class RegisterStatus(Enum):
    """The standing in a register, in the order of the words in the ledger's registry of facts."""

    none = "none"
    valid = "valid"
    expired = "expired"
    revoked = "revoked"


INPUTS = {
    "annual_sales": (int, "年销售收入, in yuan"),
    "class1_ip": (int, "Ⅰ类知识产权数量"),
    "class2_ip": (int, "Ⅱ类知识产权数量"),
    "hnte_status": (Enum, "高新技术企业资格"),
    "integrity_listed": (bool, "被列入经营异常或严重违法失信名单"),
    "major_incident": (bool, "本年及上年发生重大安全、质量、环境或科研诚信事件"),
    "national_award": (bool, "近五年获国家级科技奖励且排名前三"),
    "prohibited_products": (bool, "产品属于禁止、限制或淘汰类"),
    "provincial_rd_body": (bool, "拥有省部级以上研发机构"),
    "rd_expense": (int, "年研发费用, in yuan"),
    "resident_enterprise": (bool, "中国境内注册的居民企业"),
    "staff": (int, "职工总数"),
    "standard_led": (bool, "近五年主导制定国际、国家或行业标准"),
    "tech_staff": (int, "科技人员数"),
    "total_assets": (int, "资产总额, in yuan"),
    "total_cost": (int, "成本费用支出总额, in yuan"),
}


def input_variable(name: str, value_type: type, label: str) -> type[Variable]:
    """The class of a variable without a formula. OpenFisca wants each attribute in the class itself."""
    attributes = {"value_type": value_type, "entity": Firm, "definition_period": DateUnit.YEAR, "label": label}
    if value_type is Enum:
        attributes |= {"possible_values": RegisterStatus, "default_value": RegisterStatus.none}
    return type(name, (Variable,), attributes)


class tech_staff_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "科技人员指标, at most 20 points"

    def formula(firm, period, parameters):
        return parameters(period).tech_staff.calc(firm("tech_staff", period) / firm("staff", period))


class rd_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "研发投入指标, at most 50 points: the better of the two ratios"

    def formula(firm, period, parameters):
        expense = firm("rd_expense", period)
        by_sales = parameters(period).rd_to_sales.calc(expense / firm("annual_sales", period))
        by_cost = parameters(period).rd_to_cost.calc(expense / firm("total_cost", period))
        return maximum(by_sales, by_cost)


class ip_score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "科技成果指标, at most 30 points"

    def formula(firm, period, parameters):
        by_class2 = parameters(period).class2_ip.calc(firm("class2_ip", period))
        return where(firm("class1_ip", period) >= 1, parameters(period).class1_ip, by_class2)


class score(Variable):
    value_type = int
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "综合评价得分"

    def formula(firm, period):
        return firm("tech_staff_score", period) + firm("rd_score", period) + firm("ip_score", period)


class fast_track(Variable):
    value_type = bool
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "符合直接确认条件之一"

    def formula(firm, period):
        is_hnte = firm("hnte_status", period) == RegisterStatus.valid
        research = firm("national_award", period) + firm("provincial_rd_body", period)
        return is_hnte + research + firm("standard_led", period)


class size_kept(Variable):
    value_type = bool
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "职工、销售收入和资产总额不超过上限"

    def formula(firm, period, parameters):
        most = parameters(period)
        return (
            (firm("staff", period) <= most.most_staff)
            * (firm("annual_sales", period) <= most.most_sales)
            * (firm("total_assets", period) <= most.most_assets)
        )


class in_good_standing(Variable):
    value_type = bool
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "居民企业, and nothing that keeps it out"

    def formula(firm, period):
        kept_out = (
            firm("prohibited_products", period) + firm("major_incident", period) + firm("integrity_listed", period)
        )
        return firm("resident_enterprise", period) * ~kept_out


class tech_sme(Variable):
    value_type = bool
    entity = Firm
    definition_period = DateUnit.YEAR
    label = "科技型中小企业"

    def formula(firm, period, parameters):
        by_score = (firm("score", period) >= parameters(period).least_score) * (firm("tech_staff_score", period) != 0)
        recognised = firm("fast_track", period) + by_score
        return firm("size_kept", period) * firm("in_good_standing", period) * recognised


RESULTS = [
    tech_staff_score,
    rd_score,
    ip_score,
    score,
    fast_track,
    size_kept,
    in_good_standing,
    tech_sme,
]


def tax_benefit_system() -> TaxBenefitSystem:
    """The system with its variables and parameters."""
    system = TaxBenefitSystem([Firm])
    system.load_parameters(str(Path(__file__).parent / "parameters"))
    system.add_variables(*(input_variable(name, *about) for name, about in INPUTS.items()), *RESULTS)
    return system
