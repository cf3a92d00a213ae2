//! `demo`: the main job, on the terminal.

mod script;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use self::script::Script;
use super::serve::{self, LogLines, ServeArgs};
use super::session::{Session, private_settings, target};
use super::verify::{VerifyArgs, verify_the_database};
use super::{Global, output};
use crate::config::DatabaseTarget;
use crate::db::private::{self, ServiceLock};
use crate::db::{Database, Role, Server};
use crate::demo::{self, DemoError, Progress, Size, Stage};
use crate::report;
use crate::types::Zone;

/// How the demonstration is played.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  subsidy-ledger demo\n  \
    subsidy-ledger demo --exit --parties 2000 --seed 7 --data /tmp/demo")]
pub(super) struct DemoArgs {
    /// How many parties the zone has [default: 300]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    parties: Option<u32>,
    /// The same seed plays the same year [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// End after the verification instead of serving
    #[arg(long)]
    exit: bool,
    /// Where to serve after that
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    listen: SocketAddr,
}

pub(super) async fn run(global: &Global, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let (data, target) = target(global)?;
    // Two services on one folder would sign for one zone.
    let lock = ServiceLock::take(&data)?;
    let settings = private_settings();
    if let DatabaseTarget::Private { data } = &target {
        install_if_missing(data, settings.binaries.clone()).await?;
    }
    output::note(&format!("Data folder: {}", data.display()));
    let server = Server::open(&target, &settings).await?;
    let session = match opened(&server).await {
        Ok(database) => Arc::new(Session {
            server,
            database,
            data,
        }),
        Err(error) => {
            server.close().await.ok();
            return Err(error);
        }
    };
    let status = on_server(global, &session, args).await;
    let session = Arc::into_inner(session).context("BUG: the script is over")?;
    session.close().await?;
    drop(lock);
    status
}

/// The database with this version's schema.
async fn opened(server: &Server) -> anyhow::Result<Database> {
    server.migrate().await?;
    Ok(server.connect(Role::App, 8).await?)
}

/// Gets Postgres's programs when none are found, saying so first.
async fn install_if_missing(data: &Path, configured: Option<PathBuf>) -> anyhow::Result<()> {
    let data = data.to_path_buf();
    let install = move || {
        private::install_binaries(&data, configured.as_deref(), &mut |line| output::note(line))
    };
    tokio::task::spawn_blocking(install).await??;
    Ok(())
}

async fn on_server(
    global: &Global,
    session: &Arc<Session>,
    args: DemoArgs,
) -> anyhow::Result<ExitCode> {
    let Session {
        server,
        database,
        data,
    } = session.as_ref();
    let stage = Stage::open(database.clone(), session.keys()).await?;
    play(global, session, &stage, &args).await?;
    output::line(&summary(database, &stage.zone).await?)?;
    if !verified(global, server, data, &stage.zone).await? {
        return Ok(ExitCode::FAILURE);
    }
    if args.exit {
        return Ok(ExitCode::SUCCESS);
    }
    let serving = ServeArgs {
        listen: args.listen,
        log_format: LogLines::Text,
    };
    serve::serve_on(server, database, &session.keys(), &serving).await?;
    Ok(ExitCode::SUCCESS)
}

/// Plays the year, or what is missing of it, and says what it does.
async fn play(
    global: &Global,
    session: &Arc<Session>,
    stage: &Stage,
    args: &DemoArgs,
) -> anyhow::Result<()> {
    let size = Size {
        parties: usize::try_from(args.parties.unwrap_or(300))?,
        seed: args.seed.unwrap_or(1),
    };
    let folder = session.data.join("demo");
    let mut script = Script::open(global, session, (&folder, size.parties))?;
    let before = stage.size().await?;
    if script.is_played(stage).await? {
        output::note(&format!(
            "The year is played already: {before} entries found again."
        ));
        if args.parties.is_some() || args.seed.is_some() {
            output::note(
                "--parties and --seed change nothing in it: they size and vary a year that is still to be played. \
                 Play another with --data NEW-DIR.",
            );
        }
        return Ok(());
    }
    let bar = output::progress(0);
    let mut tell = |progress: Progress| match progress {
        Progress::Step {
            number,
            of,
            day,
            what,
        } => {
            bar.suspend(|| output::note(&format!("[{number:>2}/{of}] {day}  {what}")));
            bar.set_message(format!("{day}"));
        }
        Progress::Commands(count) => bar.inc(count),
    };
    demo::play(stage, size, &mut tell, async |stage, bank, day| {
        let played = script.until(stage, bank, day).await;
        played.map_err(|error| DemoError::Between(format!("{error:#}").into()))
    })
    .await?;
    bar.finish_and_clear();
    let recorded = output::counted(stage.size().await? - before, "entry", "entries");
    output::note(&format!(
        "{recorded} recorded. The commands of every instrument, with their answers: {}",
        script.transcript().display()
    ));
    Ok(())
}

/// Rebuilds the log and replays every transfer, as the auditor.
async fn verified(
    global: &Global,
    server: &Server,
    data: &Path,
    zone: &Zone,
) -> anyhow::Result<bool> {
    let auditor = server.connect(Role::Auditor, 2).await?;
    let (args, keys) = (VerifyArgs::default(), data.join("keys"));
    let (code, out) = (Some(zone.code.as_str()), &mut output::Answer);
    let verified = verify_the_database(&args, &auditor, &keys, code, global.json, out).await;
    auditor.close().await;
    verified
}

/// What a finance officer reads: budget execution by programme, and that every book balances.
async fn summary(database: &Database, zone: &Zone) -> anyhow::Result<String> {
    let (budget, trial) = database
        .read(zone.id, zone.id, |conn, zone| {
            Box::pin(async move {
                let budget = report::budget_execution(conn, *zone).await?;
                Ok::<_, sqlx::Error>((budget, report::trial_balance(conn, *zone).await?))
            })
        })
        .await?;
    Ok(format!(
        "{}\n{}",
        report::budget_text(&budget),
        report::books_text(&trial)
    ))
}
