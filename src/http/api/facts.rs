//! Files of facts and of registers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::policies::turn;
use crate::fact::{self, Corrections, FactFile, FileOptions, ImportReport, Register, digest};
use crate::http::caller::Acting;
use crate::http::extract::{Path, Query, Upload};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::policy::{Sha256, Source};
use crate::tabular::{Encoding, Format, Mapping, Table};
use crate::types::{Day, LogIndex};

/// What the file's rows don't say, as options of `facts import`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ImportQuery {
    source: Option<Source>,
    register: Option<String>,
    /// SHA-256 of documents that support all of them, with commas between.
    evidence: Option<String>,
    year: Option<i16>,
    from: Option<Day>,
    until: Option<Day>,
    #[serde(default)]
    complete: bool,
    /// Supersede what is recorded otherwise.
    #[serde(default)]
    correct: bool,
    /// Say what would be done and do nothing.
    #[serde(default)]
    dry_run: bool,
    encoding: Option<String>,
    sheet: Option<String>,
}

/// What was done, or would be.
#[derive(Serialize)]
pub(in crate::http) struct Imported {
    import: ImportReport,
    entry: Option<LogIndex>,
    read_as: String,
    dry_run: bool,
}

/// `POST facts/imports`: the file is the body, of its own media type. All of it is recorded or, with every fault of its rows
/// told, none.
pub(in crate::http) async fn import(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Query(query): Query<ImportQuery>,
    acting: Acting,
    upload: Upload,
) -> Result<Json<Imported>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let (options, mapping) = (query.options()?, query.mapping(&upload)?);
    // One at a time: a file in memory is many times as large as on the wire.
    let _turn = turn(&app)?;
    let (currency, today) = (zone.currency, zone.time.day(app.clock.now()));
    let read = tokio::task::spawn_blocking(move || {
        let table = Table::read(&upload.bytes, upload.format, &mapping.read_options())?;
        let sha256 = Sha256::of(&upload.bytes);
        let file = FactFile::read(&table, sha256, &mapping, options, currency, today)?;
        Ok::<_, Problem>((file, table.read_as().to_owned()))
    });
    let (file, read_as) = read.await.map_err(Problem::internal)??;
    let corrections = if query.correct {
        Corrections::Apply
    } else {
        Corrections::Refuse
    };
    let dry_run = query.dry_run;
    let acting = if dry_run {
        acting.without_key()
    } else {
        acting
    };
    let input = (file, corrections, dry_run);
    let done = app.command(
        &zone,
        acting,
        input,
        |conn, command, (file, corrections, dry_run)| {
            Box::pin(async move {
                let plan = fact::plan(conn, &command, file, *corrections).await?;
                if *dry_run {
                    return Ok(plan.report().clone());
                }
                fact::apply(conn, &command, plan, &|_| {}).await
            })
        },
    );
    let import = done.await?;
    Ok(Json(Imported {
        entry: import.entry,
        import,
        read_as,
        dry_run,
    }))
}

impl ImportQuery {
    fn options(&self) -> Result<FileOptions, Problem> {
        let register = self
            .register
            .as_deref()
            .map(str::parse::<Register>)
            .transpose();
        let register = register.map_err(|error| Problem::invalid("register", error.to_string()))?;
        let unnamed = if register.is_some() {
            Source::Imported
        } else {
            Source::Declared
        };
        let evidence = self.evidence.iter().flat_map(|all| all.split(','));
        let evidence: Result<Vec<Sha256>, String> = evidence.map(digest).collect();
        Ok(FileOptions {
            source: self.source.unwrap_or(unnamed),
            register,
            evidence: evidence.map_err(|detail| Problem::invalid("evidence", detail))?,
            year: self.year,
            from: self.from.map(Day::date),
            until: self.until.map(Day::date),
            complete: self.complete,
        })
    }

    /// How the file is to be read: its encoding may be said here or by its media type.
    fn mapping(&self, upload: &Upload) -> Result<Mapping, Problem> {
        let mut mapping = Mapping::default();
        if let Some(encoding) = self.encoding(upload)? {
            mapping.declare_encoding(encoding);
        }
        if let Some(sheet) = &self.sheet {
            if upload.format != Format::Xlsx {
                let detail = "only a workbook has sheets: leave `sheet` out";
                return Err(Problem::invalid("sheet", detail));
            }
            mapping.choose_sheet(sheet);
        }
        Ok(mapping)
    }

    fn encoding(&self, upload: &Upload) -> Result<Option<Encoding>, Problem> {
        let wrong = |detail: &str| Err(Problem::invalid("encoding", detail));
        let Some(encoding) = &self.encoding else {
            return Ok(upload.encoding);
        };
        let parsed: Result<Encoding, String> = encoding.parse();
        let encoding = parsed.map_err(|detail| Problem::invalid("encoding", detail))?;
        if upload.format != Format::Csv {
            return wrong("only CSV files differ in it: leave `encoding` out");
        }
        if upload.encoding.is_some_and(|said| said != encoding) {
            return wrong("Content-Type names another: leave one of them out");
        }
        Ok(Some(encoding))
    }
}
