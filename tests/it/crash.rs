//! The demonstration killed at random moments, service or server, goes on to the same end.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::command::{json, kill_server, ledger, temporary_folder};

/// No run takes as long, whatever else the machine does.
const PATIENCE: Duration = Duration::from_mins(3);

/// A demonstration under way, with what it says on stderr.
struct Demo {
    child: Child,
    said: Receiver<String>,
    all: String,
}

impl Demo {
    fn start(data: &Path) -> Self {
        let arguments = ["demo", "--exit", "--parties", "60", "--seed", "7"];
        let mut child = ledger(data, &arguments).spawn().unwrap();
        let (sender, said) = mpsc::channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let lines = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.send(line).ok();
            }
        });
        thread::spawn(move || {
            let mut text = String::new();
            BufReader::new(stdout).read_to_string(&mut text).ok();
            sender.send(text).ok();
        });
        Self {
            child,
            said,
            all: String::new(),
        }
    }

    /// Waits until it says this; `false` if it ends before.
    fn waits_for(&mut self, what: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.said.recv_timeout(deadline - Instant::now()) {
            self.all.push_str(&line);
            self.all.push('\n');
            if line.contains(what) {
                return true;
            }
        }
        false
    }

    /// Waits for its end; it is killed if that takes too long. Gives what it said.
    fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
            }
            thread::sleep(Duration::from_millis(20));
        };
        self.all.extend(self.said.iter().map(|line| line + "\n"));
        (status, self.all)
    }

    fn kill(mut self) {
        self.child.kill().unwrap(); // SIGKILL
        self.child.wait().unwrap();
    }
}

fn finish(data: &Path) {
    let (status, said) = Demo::start(data).end();
    assert!(status.success(), "{said}");
}

/// Budget, trial balance, and what `verify` found: it replays every transfer, and an index that is
/// missing or a key that stands twice fails it. Ids are random, and the root with them.
fn figures(data: &Path) -> [Value; 3] {
    let mut verified = json(data, &["verify"])["logs"][0]["report"].take();
    let report = verified.as_object_mut().unwrap();
    report.remove("root");
    report.remove("checkpoints"); // a head that was signed before the kill is not signed again
    [
        json(data, &["budget"]),
        json(data, &["trial-balance"]),
        verified,
    ]
}

fn pause(at_most_ms: u64) {
    thread::sleep(Duration::from_millis(rand::random_range(0..=at_most_ms)));
}

#[test]
fn a_killed_demonstration_goes_on_to_the_same_end() {
    let (whole, killed) = (temporary_folder(), temporary_folder());
    let (whole_path, killed_path) = (whole.path().to_path_buf(), killed.path());
    let undisturbed = thread::spawn(move || {
        finish(&whole_path);
        figures(&whole_path)
    });
    // The service dies in the middle of its set-up, of a month, and of the turn of the year.
    for step in ["[ 1/14]", "[ 4/14]", "[10/14]", "[14/14]"] {
        let mut demo = Demo::start(killed_path);
        assert!(demo.waits_for(step), "{}", demo.all);
        pause(250);
        demo.kill();
    }
    // The server dies: the service says so and fails.
    let mut demo = Demo::start(killed_path);
    if demo.waits_for("[12/14]") {
        pause(100);
        kill_server(killed_path);
        let (status, said) = demo.end();
        assert!(!status.success() && said.contains("error:"), "{said}");
    }
    finish(killed_path);
    assert_eq!(figures(killed_path), undisturbed.join().unwrap());

    // What is finished is found again, and nothing is added.
    let before = figures(killed_path);
    finish(killed_path);
    assert_eq!(figures(killed_path), before);
}

#[test]
fn a_second_demonstration_on_the_same_folder_is_refused() {
    let data = temporary_folder();
    let mut first = Demo::start(data.path());
    assert!(first.waits_for("Data folder"), "{}", first.all);
    let (status, said) = Demo::start(data.path()).end();
    assert_eq!(status.code(), Some(1), "{said}");
    let holder = format!(
        "(process {}) already serves the data folder",
        first.child.id()
    );
    assert!(said.contains(&holder), "{said}");
    first.kill();
}

#[test]
fn data_folders_that_can_not_be_used_are_named() {
    let folder = temporary_folder();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let read_only = folder.path().join("read-only");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere but here.
    let is_root = rustix::process::geteuid().is_root();
    let read_only = if is_root {
        Path::new("/proc/subsidy-ledger").to_path_buf()
    } else {
        read_only
    };
    for (data, why) in [(file, "is not a folder"), (read_only, "can't")] {
        let (status, said) = Demo::start(&data).end();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(
            said.contains(&*data.to_string_lossy()) && said.contains(why),
            "{said}"
        );
    }
}
