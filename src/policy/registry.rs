//! The registry of facts: every fact that a pack may name, once. A fact is added here and nowhere else, and none is taken
//! out, since what is recorded and published must stay readable. `facts list --markdown` writes the reference in
//! `docs/facts.md` from it.

use serde::{Deserialize, Serialize};

use super::facts::{FactSpec, Kind, Span, StatedBy, Unit, Word};

macro_rules! registry {
    ($($fact:ident $name:literal, $kind:expr, $span:ident, $by:ident,
        $zh:literal, $en:literal, $proof_zh:literal, $proof_en:literal;)+) => {
        /// A fact that the registry knows. In alphabetical order of the names, so that collections keyed by
        /// it are in canonical order (RFC 8785) as they stand.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fact {
            $(#[doc = $en] #[serde(rename = $name)] $fact,)+
        }

        impl Fact {
            /// Every fact, by name.
            pub const ALL: &'static [Self] = &[$(Self::$fact,)+];

            /// What the registry says about it.
            pub const fn spec(self) -> &'static FactSpec {
                match self {
                    $(Self::$fact => {
                        const SPEC: FactSpec = FactSpec {
                            name: $name,
                            kind: $kind,
                            span: Span::$span,
                            stated_by: StatedBy::$by,
                            what: [$zh, $en],
                            evidence: [$proof_zh, $proof_en],
                        };
                        &SPEC
                    })+
                }
            }
        }
    };
}

const fn word(name: &'static str, zh: &'static str, en: &'static str) -> Word {
    Word { name, zh, en }
}

const PERSONS: Kind = Kind::Count(Unit::Persons);
const ITEMS: Kind = Kind::Count(Unit::Items);
const MONTHS: Kind = Kind::Count(Unit::Months);
const DAYS: Kind = Kind::Count(Unit::Days);
const YEARS: Kind = Kind::Count(Unit::Years);
const YEAR: Kind = Kind::Count(Unit::Year);
const POINTS: Kind = Kind::Count(Unit::Points);
const AREA: Kind = Kind::Quantity(Unit::SquareMetres);
const PERCENT: Kind = Kind::Quantity(Unit::Percent);

const REGISTER_STATUS: Kind = Kind::OneOf(&[
    word("none", "无", "none"),
    word("valid", "有效", "valid"),
    word("expired", "已到期", "expired"),
    word("revoked", "已撤销", "revoked"),
]);
const SIZE: Kind = Kind::OneOf(&[
    word("micro", "微型", "micro"),
    word("small", "小型", "small"),
    word("medium", "中型", "medium"),
    word("large", "大型", "large"),
]);
const INDUSTRY: Kind = Kind::OneOf(&[
    word("industry", "工业", "industry"),
    word(
        "software",
        "软件和信息技术服务业",
        "software and IT services",
    ),
    word(
        "information_transmission",
        "信息传输业",
        "information transmission",
    ),
    word("wholesale", "批发业", "wholesale"),
    word("retail", "零售业", "retail"),
    word(
        "leasing_business",
        "租赁和商务服务业",
        "leasing and business services",
    ),
    word(
        "other",
        "其他（含科学研究）",
        "other, scientific research included",
    ),
]);
const CARRIER_CLASS: Kind = Kind::OneOf(&[
    word("incubator", "孵化器", "incubator"),
    word("makerspace", "众创空间", "maker space"),
    word(
        "specialised_makerspace",
        "专业化众创空间",
        "specialised maker space",
    ),
    word("university_park", "大学科技园", "university science park"),
    word("test_platform", "检验检测平台", "test platform"),
    word(
        "transfer_agency",
        "技术转移机构",
        "technology transfer agency",
    ),
]);
const LEVEL: Kind = Kind::OneOf(&[
    word("none", "未认定", "none"),
    word("district", "区级", "district"),
    word("municipal", "市级", "municipal"),
    word("provincial", "省级", "provincial"),
    word("national", "国家级", "national"),
]);
const APPLICANT: Kind = Kind::OneOf(&[
    word("enterprise", "企业", "enterprise"),
    word("team", "团队", "team"),
    word("carrier", "载体", "carrier"),
    word("provider", "服务机构", "provider"),
]);
const SERVICE: Kind = Kind::OneOf(&[
    word(
        "instrument_sharing",
        "仪器设备共享",
        "use of shared laboratories and instruments",
    ),
    word(
        "concept_pilot",
        "概念验证与中试",
        "proof of concept and pilot production",
    ),
    word("testing", "检验检测", "testing"),
    word("computing", "算力服务", "high-performance computing"),
    word(
        "broker_training",
        "技术经纪人培训",
        "training of technology brokers",
    ),
    word("research", "研究开发", "research and development"),
    word("design", "设计", "design"),
    word("consulting", "咨询", "consulting"),
    word("training", "一般培训", "general training"),
    word("software", "软件开发或采购", "software"),
    word("advertising", "广告", "advertising"),
    word("export_aid", "出口协助", "export aid"),
    word("other", "其他", "other"),
]);
const VOUCHER: Kind = Kind::OneOf(&[
    word("standard", "标准券", "standard"),
    word("fast_track", "快速通道券", "fast-track"),
    word("small", "小额券", "small"),
    word("large", "大额券", "large"),
]);
const REGION: Kind = Kind::OneOf(&[
    word("urban_district", "市辖区", "urban district"),
    word("county_city", "县级市", "county-level city"),
    word(
        "listed_poorer_city",
        "政策所列欠发达市",
        "listed poorer city",
    ),
    word("other_city", "其他市", "other city"),
]);
const PROVIDER_REGION: Kind = Kind::OneOf(&[
    word("home_zone", "本区", "home zone"),
    word("other_zone", "异地", "another zone"),
]);
const RATING: Kind = Kind::OneOf(&[
    word("none", "未评价", "none"),
    word("qualified", "合格", "qualified"),
    word("good", "良好", "good"),
    word("excellent", "优秀", "excellent"),
]);
const RECOGNITION: Kind = Kind::OneOf(&[
    word("none", "无", "none"),
    word("first", "首次认定", "first recognition"),
    word("renewal", "重新认定", "renewal"),
]);
const RELIEF: Kind = Kind::OneOf(&[
    word("waiver", "减免", "waiver"),
    word("deferral", "缓征", "deferral"),
]);

#[rustfmt::skip] // a table: a fact on two lines, what it is and what supports it
registry! {
    AnnualSales "annual_sales", Kind::Money, Year, Applicant, "年销售收入", "annual sales",
        "审计报告或纳税申报表", "the audit report or the tax return";
    ApplicantKind "applicant_kind", APPLICANT, Case, Applicant, "申请主体类型", "the kind of applicant",
        "申请表", "the application form";
    Area "area", AREA, Standing, Applicant, "场地面积", "the floor area",
        "产权证或租赁合同", "the title deed or the lease";
    AuditedWaiver "audited_waiver", Kind::Money, Case, Applicant, "经第三方审计的减免租金", "the rent waived as audited by a third party",
        "专项审计报告", "the special audit report";
    BrokerSetup "broker_setup", Kind::Bool, Case, Applicant, "服务经由中介转包", "the service being passed on by a broker",
        "服务合同", "the service contract";
    CanteenFee "canteen_fee", Kind::Money, Case, Applicant, "食堂费用", "the canteen fee in the bill",
        "租金账单", "the rent bill";
    CarrierClass "carrier_class", CARRIER_CLASS, Standing, Office, "载体类别", "the class of carrier",
        "认定文件", "the document of recognition";
    CarrierLevel "carrier_level", LEVEL, Standing, Office, "载体认定级别", "the level at which the carrier is recognised",
        "认定文件", "the document of recognition";
    CarrierStaff "carrier_staff", PERSONS, Standing, Applicant, "载体从业人员数", "the carrier's staff",
        "社保缴纳记录", "the social security records";
    CatalogueYear "catalogue_year", YEAR, Case, Applicant, "服务列入机构目录的年度", "the year for which the service is in the provider's catalogue",
        "服务机构目录", "the catalogue of providers";
    ClaimedOn "claimed_on", Kind::Date, Case, Ledger, "申领日期", "the day of the claim",
        "申领记录", "the recorded claim";
    Class1Ip "class1_ip", ITEMS, Standing, Applicant, "Ⅰ类知识产权数量", "the number of Class I intellectual property rights",
        "知识产权证书", "the certificates of the rights";
    Class2Ip "class2_ip", ITEMS, Standing, Applicant, "Ⅱ类知识产权数量", "the number of Class II intellectual property rights",
        "知识产权证书", "the certificates of the rights";
    CompletedOn "completed_on", Kind::Date, Case, Applicant, "服务完成日期", "the day on which the service was completed",
        "验收报告", "the acceptance report";
    ContractAmount "contract_amount", Kind::Money, Case, Applicant, "合同金额", "the contract amount",
        "合同", "the contract";
    ContractSignedOn "contract_signed_on", Kind::Date, Case, Applicant, "合同签订日期", "the day on which the contract was signed",
        "合同", "the contract";
    CoreMembers "core_members", PERSONS, Case, Applicant, "团队核心成员人数", "the number of core members of the team",
        "团队成员名单", "the list of team members";
    DeMinimisDeclared "de_minimis_declared", Kind::Bool, Case, Applicant, "声明最低限度援助未达上限", "the declaration that de minimis aid is below its ceiling",
        "最低限度援助声明", "the de minimis declaration";
    DecidedOn "decided_on", Kind::Date, Case, Ledger, "评定日期", "the day of the decision",
        "台账记录", "the ledger's own record";
    DualRole "dual_role", Kind::Bool, Case, Applicant, "同一法人在该服务中既是买方又是服务机构", "one legal person being buyer and provider in the service",
        "服务合同", "the service contract";
    EarlierAwards "earlier_awards", ITEMS, Case, Ledger, "此前获得的创新券次数", "the vouchers it was granted before",
        "台账记录", "the ledger's own record";
    EarlierOfType "earlier_of_type", ITEMS, Case, Ledger, "此前获得的同类型创新券次数", "the vouchers of the same type that it was granted before",
        "台账记录", "the ledger's own record";
    EarlierUnused "earlier_unused", Kind::Money, Case, Ledger, "以前申领的额度中尚未使用的部分", "what is unused of earlier quotas",
        "台账记录", "the ledger's own record";
    EnteredOn "entered_on", Kind::Date, Standing, Applicant, "入驻日期", "the day of entering the incubator",
        "入孵协议", "the incubation agreement";
    EpidemicGrace "epidemic_grace", Kind::Bool, Standing, Office, "逾期系疫情所致的认定", "the determination that the epidemic delayed the filing",
        "双人认定记录及证明材料", "the determination by two persons and its evidence";
    EstablishedOn "established_on", Kind::Date, Standing, Applicant, "注册成立日期", "the day of registration as a business",
        "营业执照", "the business licence";
    EventCost "event_cost", Kind::Money, Case, Applicant, "活动实际支出", "the cost of the event",
        "发票和付款凭证", "invoice and proof of payment";
    ExcludedAmount "excluded_amount", Kind::Money, Case, Applicant, "不予支持的费用", "the part of the cost that is not supported",
        "费用明细", "the itemised costs";
    ExcludedSector "excluded_sector", Kind::Bool, Standing, Applicant, "属于不予支持的行业或主体", "being in a sector or of a kind that is not supported",
        "登记资料", "the registration";
    FiledOn "filed_on", Kind::Date, Case, Applicant, "申报日期", "the day of filing",
        "系统提交记录", "the record of submission";
    FilingDueOn "filing_due_on", Kind::Date, Standing, Office, "申报截止日期", "the day on which the filing is due",
        "申报通知", "the call for filings";
    FilingExtendedTo "filing_extended_to", Kind::Date, Standing, Office, "疫情严重地区申报延期至", "the day to which filings are extended where the epidemic is severe",
        "双人认定记录及公告", "the determination by two persons and its announcement";
    FullMonths "full_months", MONTHS, Case, Applicant, "全额免租月数", "the months of which the whole rent was waived",
        "减免协议", "the waiver agreement";
    FundedIncubatees "funded_incubatees", ITEMS, Standing, Applicant, "获孵化资金投资的在孵企业数", "the incubatees that the seed fund invested in",
        "投资协议", "the investment agreements";
    FundingCases "funding_cases", ITEMS, Standing, Applicant, "孵化资金投资案例数", "the cases of seed funding",
        "投资协议", "the investment agreements";
    Graduates "graduates", ITEMS, Standing, Applicant, "累计毕业企业数", "the firms that graduated",
        "毕业企业名单", "the list of graduates";
    GroupStaff "group_staff", PERSONS, Standing, Applicant, "集团职工总数", "the staff of the whole group",
        "合并报表", "the consolidated accounts";
    GroupTurnover "group_turnover", Kind::Money, Year, Applicant, "集团营业额", "the turnover of the whole group",
        "合并报表", "the consolidated accounts";
    HalfMonths "half_months", MONTHS, Case, Applicant, "减半收租月数", "the months of which half the rent was waived",
        "减免协议", "the waiver agreement";
    Heads "heads", PERSONS, Case, Applicant, "受训人数", "the number of persons trained",
        "培训签到和证书", "attendance lists and certificates";
    HightechIncome "hightech_income", Kind::Money, Year, Applicant, "高新技术产品（服务）收入", "the income from high-tech products and services",
        "专项审计报告", "the special audit report";
    HnteRecognition "hnte_recognition", RECOGNITION, Standing, Ledger, "高新技术企业认定类型", "the recognition as high-tech enterprise: first or renewal",
        "高新技术企业证书", "the high-tech enterprise certificate";
    HnteStatus "hnte_status", REGISTER_STATUS, Standing, Ledger, "高新技术企业资格", "the standing as high-tech enterprise",
        "高新技术企业登记", "the register of high-tech enterprises";
    HnteValidUntil "hnte_valid_until", Kind::Date, Standing, Ledger, "高新技术企业证书有效期至", "the last day of the high-tech enterprise certificate",
        "高新技术企业证书", "the high-tech enterprise certificate";
    InIncubatorOrPark "in_incubator_or_park", Kind::Bool, Case, Applicant, "是否入驻孵化器或科技园", "being in an incubator or science park",
        "入驻证明", "the carrier's confirmation";
    IncidentPastYear "incident_past_year", Kind::Bool, Standing, Applicant, "申请前一年内发生重大安全、质量事故或严重环境违法", "a major accident of safety or quality, or a serious offence against the environment, in the year before the application",
        "承诺书及主管部门记录", "the commitment, and the authorities' records";
    IncubateeArea "incubatee_area", AREA, Standing, Applicant, "在孵企业使用面积", "the floor area that incubatees use",
        "租赁台账", "the list of leases";
    Incubatees "incubatees", ITEMS, Standing, Applicant, "在孵企业数", "the number of incubatees",
        "在孵企业名单", "the list of incubatees";
    Industry "industry", INDUSTRY, Standing, Applicant, "所属行业", "the industry",
        "营业执照和统计登记", "the licence and the statistical registration";
    InnovationScore "innovation_score", POINTS, Case, Office, "企业创新能力评价得分", "the score of the evaluation of innovation",
        "专家评审记录", "the record of the experts";
    IntegrityListed "integrity_listed", Kind::Bool, Standing, Ledger, "被列入经营异常或严重违法失信名单", "being on a list of abnormal operation or serious violation",
        "失信和异常名录", "the integrity lists";
    InvoicedAmount "invoiced_amount", Kind::Money, Case, Applicant, "发票金额", "the invoiced amount",
        "发票", "the invoice";
    InvoicedOn "invoiced_on", Kind::Date, Case, Applicant, "发票日期", "the day of the invoice",
        "发票", "the invoice";
    IpApplicants "ip_applicants", ITEMS, Standing, Applicant, "已申请专利的在孵企业数", "the incubatees that applied for patents",
        "专利受理通知", "the patent office's receipts";
    IpHolders "ip_holders", ITEMS, Standing, Applicant, "拥有有效知识产权的在孵企业数", "the incubatees that hold intellectual property",
        "知识产权证书", "the certificates of the rights";
    IssuedOn "issued_on", Kind::Date, Case, Ledger, "创新券发放日期", "the day on which the voucher was issued",
        "台账记录", "the ledger's own entry";
    LandlordRelief "landlord_relief", Kind::Money, Case, Applicant, "载体自身获房东减免的对应金额", "the part on which the carrier's own landlord waived rent",
        "上游租赁合同和减免协议", "the head lease and its waiver";
    LeaseDays "lease_days", DAYS, Case, Applicant, "年内租赁天数", "the days of the year under lease",
        "租赁合同", "the lease";
    LocalShareholding "local_shareholding", PERCENT, Standing, Applicant, "本地持股比例", "the share held locally",
        "股东名册", "the register of shareholders";
    LocalSupplier "local_supplier", Kind::Bool, Case, Applicant, "服务机构为本地机构", "the provider being local",
        "服务机构登记", "the provider's registration";
    MajorIncident "major_incident", Kind::Bool, Standing, Applicant, "本年及上年发生重大安全、质量、环境或科研诚信事件", "a major event of safety, quality, environment or research integrity in this or the previous year",
        "承诺书及主管部门记录", "the commitment, and the authorities' records";
    MeasuringOnly "measuring_only", Kind::Bool, Case, Applicant, "服务仅为测量或检测", "the service being mere measuring or testing",
        "服务合同", "the service contract";
    Mentors "mentors", PERSONS, Standing, Applicant, "创业导师数", "the number of mentors",
        "聘书", "the letters of appointment";
    MonthlyRent "monthly_rent", Kind::Money, Case, Applicant, "月租金", "the rent per month",
        "租赁合同", "the lease";
    NationalAward "national_award", Kind::Bool, Standing, Applicant, "近五年获国家级科技奖励且排名前三", "a national science award within five years, ranked third or better",
        "获奖证书", "the award certificate";
    NewSupplier "new_supplier", Kind::Bool, Case, Applicant, "与该服务机构首次合作", "working with the provider for the first time",
        "声明", "the declaration";
    OpenProjects "open_projects", ITEMS, Case, Ledger, "未完成的资助项目数", "the funded projects that are open",
        "台账记录", "the ledger's own record";
    OperatedSince "operated_since", Kind::Date, Standing, Applicant, "载体开始运营日期", "the day on which the carrier began to operate",
        "运营证明", "the proof of operation";
    OrderDate "order_date", Kind::Date, Case, Ledger, "服务订单日期", "the day of the order",
        "订单记录", "the recorded order";
    OtherFund "other_fund", Kind::Bool, Case, Applicant, "同一费用已获其他财政资金", "other public money for the same cost",
        "承诺书", "the commitment";
    OtherRentSubsidy "other_rent_subsidy", Kind::Bool, Case, Applicant, "已享受其他房租补贴", "having another rent subsidy",
        "承诺书", "the commitment";
    OwnPremises "own_premises", Kind::Bool, Case, Applicant, "场地为自有", "owning the premises",
        "产权证", "the title deed";
    PaidAmount "paid_amount", Kind::Money, Case, Applicant, "实际支付金额", "the amount paid",
        "付款凭证", "the proof of payment";
    PaidOn "paid_on", Kind::Date, Case, Applicant, "付款日期", "the day of payment",
        "付款凭证", "the proof of payment";
    ParkingFee "parking_fee", Kind::Money, Case, Applicant, "停车费", "the parking fee in the bill",
        "租金账单", "the rent bill";
    PenaltyInForce "penalty_in_force", Kind::Bool, Standing, Applicant, "处于行政处罚期内", "an administrative penalty being in force",
        "信用报告", "the credit report";
    PriorPaid "prior_paid", Kind::Money, Year, Applicant, "上年度实际支付的服务费", "the fees for services paid in the previous year",
        "付款凭证", "the proof of payment";
    PriorYearUnused "prior_year_unused", Kind::Money, Case, Ledger, "上年度未用完的额度", "what is unused of the previous year's quota",
        "台账记录", "the ledger's own record";
    ProfessionalStaff "professional_staff", PERSONS, Standing, Applicant, "专业孵化服务人员数", "the carrier's professional staff",
        "人员名单和证书", "the staff list and certificates";
    ProhibitedProducts "prohibited_products", Kind::Bool, Standing, Applicant, "产品属于禁止、限制或淘汰类", "products that are prohibited, restricted or obsolete",
        "承诺书", "the commitment";
    ProjectFunded "project_funded", Kind::Bool, Case, Applicant, "项目是否已列入市级科技计划", "the project being on the city science plan already",
        "项目声明", "the declaration on the project";
    ProjectMonths "project_months", MONTHS, Case, Applicant, "项目期限", "the length of the project",
        "项目计划", "the project plan";
    PropertyFee "property_fee", Kind::Money, Case, Applicant, "物业费", "the property fee in the bill",
        "租金账单", "the rent bill";
    ProviderConfirmed "provider_confirmed", Kind::Bool, Case, Applicant, "服务机构已在线确认", "the provider having confirmed the service",
        "系统确认记录", "the recorded confirmation";
    ProviderRegion "provider_region", PROVIDER_REGION, Case, Ledger, "服务机构所在区域", "the zone of the provider",
        "服务机构登记", "the provider's registration";
    ProviderVolume "provider_volume", Kind::Money, Year, Applicant, "服务机构年度服务额", "what the provider's services of the year came to",
        "合同和发票", "contracts and invoices";
    ProvincialRdBody "provincial_rd_body", Kind::Bool, Standing, Applicant, "拥有省部级以上研发机构", "a research body recognised by a province or ministry",
        "认定文件", "the document of recognition";
    ProvincialSupport "provincial_support", Kind::Bool, Case, Applicant, "已获省级同类支持", "provincial support for the same",
        "承诺书", "the commitment";
    PublicFunding5y "public_funding_5y", Kind::Money, Standing, Applicant, "近五年获该机构资助总额", "the agency's funding of the last five years",
        "资助记录", "the record of funding";
    Rating "rating", RATING, Standing, Office, "绩效评价等级", "the rating of the evaluation",
        "评价结果公告", "the published result";
    RdDomestic3y "rd_domestic_3y", Kind::Money, Year, Applicant, "近三年境内研发费用", "domestic research expense of the last three years",
        "专项审计报告", "the special audit report";
    RdExpense "rd_expense", Kind::Money, Year, Applicant, "年研发费用", "annual research expense",
        "研发费用专项审计或加计扣除申报", "the special audit or the tax deduction return";
    RdExpense3y "rd_expense_3y", Kind::Money, Year, Applicant, "近三年研发费用", "research expense of the last three years",
        "专项审计报告", "the special audit report";
    RecognisedOn "recognised_on", Kind::Date, Standing, Office, "认定日期", "the day of recognition",
        "认定文件", "the document of recognition";
    RegionClass "region_class", REGION, Standing, Office, "所在地区类别", "the class of region",
        "行政区划", "the administrative division";
    Registered "registered", Kind::Bool, Case, Applicant, "是否已办理工商登记", "being registered as a business",
        "营业执照或承诺书", "the business licence, or a commitment that there is none";
    RegisteredCapital "registered_capital", Kind::Money, Standing, Applicant, "注册资本", "the registered capital",
        "营业执照", "the business licence";
    RelatedParty "related_party", Kind::Bool, Case, Applicant, "服务双方是否存在关联关系", "applicant and provider being related",
        "非关联承诺书", "the signed statement of no relation";
    ReliefKind "relief_kind", RELIEF, Case, Applicant, "租金支持方式", "the kind of rent relief",
        "减免或缓征协议", "the agreement";
    RentPrice "rent_price", Kind::Money, Case, Applicant, "每平方米月租金", "the rent per square metre and month",
        "租赁合同", "the lease";
    RequestedAmount "requested_amount", Kind::Money, Case, Applicant, "申请的创新券面额", "the voucher value applied for",
        "申请表", "the application form";
    ResidentEnterprise "resident_enterprise", Kind::Bool, Standing, Applicant, "中国境内注册的居民企业", "being a resident enterprise of the PRC",
        "营业执照", "the business licence";
    Sales3y "sales_3y", Kind::Money, Year, Applicant, "近三年销售收入", "sales of the last three years",
        "审计报告", "the audit reports";
    SameIndustryIncubatees "same_industry_incubatees", ITEMS, Standing, Applicant, "同一产业的在孵企业数", "the incubatees of one industry",
        "在孵企业名单", "the list of incubatees";
    SeedFund "seed_fund", Kind::Money, Standing, Applicant, "孵化资金规模", "the seed fund",
        "基金证明", "the proof of the fund";
    ServiceCategory "service_category", SERVICE, Case, Applicant, "服务类别", "the category of service",
        "服务合同", "the service contract";
    ServiceComplete "service_complete", Kind::Bool, Case, Applicant, "服务已完成", "the service being complete",
        "验收报告", "the acceptance report";
    ServicePrice "service_price", Kind::Money, Case, Applicant, "服务合同金额", "the price of the service in its contract",
        "服务合同", "the service contract";
    SizeClass "size_class", SIZE, Standing, Ledger, "企业规模类型", "the size class",
        "企业规模认定", "the register of size classes";
    SpecialField "special_field", Kind::Bool, Standing, Applicant, "属于生物医药等特殊领域", "being in a special field such as biomedicine",
        "产品说明", "the product description";
    Specialised "specialised", Kind::Bool, Standing, Applicant, "申请专业孵化器", "applying as a specialised incubator",
        "申请表", "the application form";
    Staff "staff", PERSONS, Year, Applicant, "职工总数", "the number of staff",
        "社保缴纳记录", "the social security records";
    StandardLed "standard_led", Kind::Bool, Standing, Applicant, "近五年主导制定国际、国家或行业标准", "having led an international, national or industry standard within five years",
        "标准文本", "the text of the standard";
    StartedEarly "started_early", Kind::Bool, Case, Applicant, "批准前已开始支出", "having spent before approval",
        "合同和付款凭证", "contract and proof of payment";
    StateOwned "state_owned", Kind::Bool, Standing, Applicant, "国有载体或国有企业", "being state-owned",
        "股权结构", "the ownership structure";
    StateOwnedPremises "state_owned_premises", Kind::Bool, Case, Applicant, "场地为国有物业", "the premises being state-owned",
        "产权证", "the title deed";
    StateWaiverObeyed "state_waiver_obeyed", Kind::Bool, Case, Applicant, "已执行国有物业减免政策", "having obeyed the waiver policy for state-owned premises",
        "执行情况说明", "the report on it";
    StatisticsYears "statistics_years", YEARS, Standing, Applicant, "纳入火炬统计年数", "the years in the Torch statistics",
        "统计上报记录", "the record of reports";
    StatutoryTesting "statutory_testing", Kind::Bool, Case, Applicant, "服务是否属于法定检测", "the service being testing that the law demands",
        "服务合同", "the service contract";
    SupportedField "supported_field", Kind::Bool, Standing, Applicant, "技术属于国家重点支持的高新技术领域", "the technology being in a field that the state supports",
        "技术领域说明", "the statement on the field";
    TechSmeNumberYear "tech_sme_number_year", YEAR, Standing, Ledger, "科技型中小企业入库登记编号年度", "the year of the tech-SME registration number",
        "科技型中小企业登记", "the register of tech SMEs";
    TechSmeRevokedOn "tech_sme_revoked_on", Kind::Date, Standing, Ledger, "科技型中小企业登记撤销日期", "the day on which the tech-SME registration was revoked",
        "科技型中小企业登记", "the register of tech SMEs";
    TechSmeStatus "tech_sme_status", REGISTER_STATUS, Standing, Ledger, "科技型中小企业登记状态", "the standing in the register of tech SMEs",
        "科技型中小企业登记", "the register of tech SMEs";
    TechSmeValidUntil "tech_sme_valid_until", Kind::Date, Standing, Ledger, "科技型中小企业登记有效期至", "the last day of the tech-SME registration",
        "科技型中小企业登记", "the register of tech SMEs";
    TechStaff "tech_staff", PERSONS, Year, Applicant, "科技人员数", "the number of technical staff",
        "人员名单", "the staff list";
    TenantConfirmed "tenant_confirmed", Kind::Money, Case, Applicant, "租户确认的减免金额", "the relief that the tenant confirms",
        "租户确认书", "the tenant's confirmation";
    TotalAssets "total_assets", Kind::Money, Year, Applicant, "资产总额", "total assets",
        "审计报告", "the audit report";
    TotalCost "total_cost", Kind::Money, Year, Applicant, "成本费用支出总额", "total costs and expenses",
        "审计报告", "the audit report";
    TotalIncome "total_income", Kind::Money, Year, Applicant, "总收入", "total income",
        "审计报告", "the audit report";
    Tutors "tutors", PERSONS, Standing, Applicant, "专业孵化导师（创业辅导员）数", "the number of professional tutors",
        "聘书", "the letters of appointment";
    Uscc "uscc", Kind::Text, Standing, Applicant, "统一社会信用代码", "the unified social credit code",
        "营业执照", "the business licence";
    UsccOverride "uscc_override", Kind::Bool, Standing, Office, "双人核定的代码例外", "the override of the code by two persons",
        "营业执照及双人核定记录", "the business licence and a determination by two persons";
    VatAmount "vat_amount", Kind::Money, Case, Applicant, "增值税额", "the value-added tax in the price",
        "发票", "the invoice";
    VatRecoverable "vat_recoverable", Kind::Bool, Case, Applicant, "可抵扣进项税", "being entitled to deduct input tax",
        "税务登记", "the tax registration";
    VoucherType "voucher_type", VOUCHER, Case, Applicant, "创新券类型", "the type of voucher",
        "申请表", "the application form";
    WaivedAmount "waived_amount", Kind::Money, Case, Applicant, "减免租金总额", "the rent waived",
        "减免协议", "the waiver agreements";
    WaivedMonths "waived_months", MONTHS, Case, Applicant, "减免月数", "the months of relief",
        "减免协议", "the waiver agreements";
    WaiverFrom "waiver_from", Kind::Date, Case, Applicant, "减免起始日", "the first day of the relief",
        "减免协议", "the waiver agreements";
    WaiverReviewed "waiver_reviewed", Kind::Bool, Case, Office, "减免差异经审核", "the difference on the waiver having been reviewed",
        "审核记录", "the record of the review";
    WaiverUntil "waiver_until", Kind::Date, Case, Applicant, "减免截止日", "the last day of the relief",
        "减免协议", "the waiver agreements";
    WorksOnSite "works_on_site", Kind::Bool, Standing, Applicant, "注册地和主要研发办公场所在孵化器内", "being registered and working on site",
        "营业执照和租赁合同", "the licence and the lease";
    YearOfOperation "year_of_operation", YEARS, Case, Office, "运营年度序号", "which year of operation it is",
        "认定文件", "the document of recognition";
}
