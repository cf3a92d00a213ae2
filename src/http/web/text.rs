//! Every word on the pages, in both languages, side by side.

use super::language::Language;
use crate::journal::Book;
use crate::types::Currency;

macro_rules! texts {
    ($($name:ident: $zh:literal, $en:literal;)+) => {
        /// The words of one language.
        pub(super) struct Texts { $(pub(super) $name: &'static str,)+ }

        const ZH: Texts = Texts { $($name: $zh,)+ };
        const EN: Texts = Texts { $($name: $en,)+ };
    };
}

texts! {
    title: "公共补助账本", "Public subsidy ledger";
    tagline: "每一元都有据可查", "Every yuan can be followed";
    skip: "跳到正文", "Skip to content";
    languages: "语言", "Language";
    zones: "高新区", "High-tech zones";
    no_zone: "还没有高新区", "There is no zone yet";
    no_zone_what: "先建立一个高新区，或先运行演示：", "Set up a zone first, or have a look at the demonstration:";
    budget: "预算执行", "Budget execution";
    budget_what: "金额取自账簿的控制总额，与命令行、JSON 接口和数据库视图 ledger.budget_execution 一致。",
        "The figures are the books' control totals, the same as on the command line, in JSON and in the view ledger.budget_execution.";
    no_budget: "尚无预算", "No budget yet";
    no_budget_what: "拨款入账、分配到项目之后，这里按年度和项目列出执行情况。",
        "Once money is appropriated and allocated to programmes, its execution is listed here by year and programme.";
    unit: "单位：", "Unit: ";
    programme: "项目", "Programme";
    year: "年度", "Year";
    no_year: "不分年度", "No year";
    zone_line: "区本级", "Zone level";
    total: "合计", "Total";
    appropriated: "已批复", "Appropriated";
    allocated: "已分配", "Allocated";
    unallocated: "未分配", "Unallocated";
    issued: "已发放", "Issued";
    outstanding: "在外", "Outstanding";
    reserved: "已锁定", "Reserved";
    redeemed: "已兑付", "Redeemed";
    paid: "已支付", "Paid";
    lapsed: "失效", "Lapsed";
    carried: "结转", "Carried";
    free: "项目可用", "Free";
    books: "账簿平衡", "Books in balance";
    books_what: "复式记账：每一本账借方合计必须等于贷方合计。", "Double entry: in every book, debits must equal credits.";
    no_books: "账簿中还没有转账。", "There are no transfers in the books yet.";
    book: "账簿", "Book";
    debits: "借方合计", "Debits";
    credits: "贷方合计", "Credits";
    balances: "平衡", "Balances";
    does_not_balance: "不平衡", "Does not balance";
    log: "日志", "Log";
    log_what: "每一笔分录都是一棵 RFC 6962 默克尔树的叶子。检查点用数据库之外的密钥签名：保存一份，以后任何改动都瞒不过去。",
        "Every entry is a leaf of an RFC 6962 Merkle tree. Checkpoints are signed with a key outside the database: keep one, and no later change can go unnoticed.";
    entries: "分录数", "Entries";
    signed_entries: "已签名分录数", "Entries signed";
    signed_at: "最近签名时间", "Last signed";
    root: "根哈希", "Root hash";
    origin: "日志名称", "Origin";
    verifier_key: "验证公钥", "Verifier key";
    signing_ok: "已全部签名", "All signed";
    signing_behind: "正在签名", "Being signed";
    signing_failing: "签名中断", "Signing has stopped";
    not_signed: "尚无检查点", "No checkpoint yet";
    how: "如何自行核验", "Check it yourself";
    how_receipt: "取一份回执，离线可验：", "Fetch a receipt, which verifies offline:";
    how_verify: "重算整个日志和全部余额：", "Rebuild the whole log and every balance:";
    how_others: "或用任何支持 C2SP tlog-tiles 的工具（如 Go x/mod/sumdb），日志地址：",
        "Or use any tool that reads C2SP tlog-tiles (such as Go x/mod/sumdb), on the log at:";
    key_elsewhere: "公钥请从另一渠道取得并比对。", "Get the key another way too, and compare.";
    checkpoint_link: "检查点", "Checkpoint";
    key_link: "公钥", "Key";
    entries_link: "分录", "Entries";
    trial_balance_link: "试算平衡表", "Trial balance";
    budget_link: "JSON", "JSON";
    loopback: "本服务目前只在本机可访问。", "The service can be reached from this machine only.";
}

impl Language {
    /// Its words.
    pub(super) const fn texts(self) -> &'static Texts {
        match self {
            Self::Zh => &ZH,
            Self::En => &EN,
        }
    }

    /// A currency's name and code.
    pub(super) fn unit(self, currency: Currency) -> String {
        let name = match (self, currency) {
            (Self::Zh, Currency::Cny) => "人民币元",
            (Self::Zh, Currency::Eur) => "欧元",
            (Self::Zh, Currency::Gbp) => "英镑",
            (Self::Zh, Currency::Jpy) => "日元",
            (Self::Zh, Currency::Sgd) => "新加坡元",
            (Self::Zh, Currency::Usd) => "美元",
            (Self::En, Currency::Cny) => "yuan",
            (Self::En, Currency::Eur) => "euro",
            (Self::En, Currency::Gbp) => "pounds sterling",
            (Self::En, Currency::Jpy) => "yen",
            (Self::En, Currency::Sgd) => "Singapore dollars",
            (Self::En, Currency::Usd) => "US dollars",
        };
        match self {
            Self::Zh => format!("{name}（{currency}）"),
            Self::En => format!("{name} ({currency})"),
        }
    }

    /// A book's name, after its letter.
    pub(super) fn book(self, book: Book) -> String {
        let (english, chinese) = book.names();
        let name = match self {
            Self::Zh => chinese,
            Self::En => english,
        };
        format!("{} {name}", book.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Officers read the page beside the guide: one word for one figure in both.
    #[test]
    fn the_guide_has_the_words_of_the_page() {
        let guide = include_str!("../../../docs/users/finance-officer.md");
        let pairs = [
            (EN.appropriated, ZH.appropriated),
            (EN.unallocated, ZH.unallocated),
            (EN.allocated, ZH.allocated),
            (EN.issued, ZH.issued),
            (EN.outstanding, ZH.outstanding),
            (EN.reserved, ZH.reserved),
            (EN.redeemed, ZH.redeemed),
            (EN.paid, ZH.paid),
            (EN.lapsed, ZH.lapsed),
            (EN.carried, ZH.carried),
            (EN.free, ZH.free),
        ];
        for (english, chinese) in pairs {
            let row = format!("\n| {} {chinese} | ", english.to_lowercase());
            assert!(guide.contains(&row), "the guide has no row{row}");
        }
    }
}
