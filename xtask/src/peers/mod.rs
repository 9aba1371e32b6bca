//! `cargo xtask peers`: builds the real peers that tests run, once, into `target/peers/`.

mod recipe;
mod stamp;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) use recipe::shared_cargo;
use recipe::{PEERS, Peer};

/// Where everything about peers lives.
pub(crate) struct Places {
    pub(crate) root: PathBuf,
    pub(crate) peers: PathBuf,
}

impl Places {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            peers: root.join("target").join("peers"),
        }
    }

    /// The build directory that all peers share, so that each dependency is compiled once.
    pub(crate) fn build(&self) -> PathBuf {
        self.peers.join("build")
    }

    fn output(&self, peer: &Peer) -> PathBuf {
        self.peers.join(peer.path)
    }

    fn stamp(&self, peer: &Peer) -> PathBuf {
        self.peers.join("stamps").join(peer.name)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.peers.join("logs").join(format!("{name}.log"))
    }
}

/// Prints the path of every peer as one JSON object.
pub(crate) fn list(root: &Path) {
    let places = Places::new(root);
    let paths: serde_json::Map<_, _> = PEERS
        .iter()
        .map(|peer| {
            (
                peer.name.to_owned(),
                places.output(peer).display().to_string().into(),
            )
        })
        .collect();
    println!("{:#}", serde_json::Value::Object(paths));
}

/// Builds the named peers (all of them for no name) that are missing or stale, and prints a table.
pub(crate) fn build(root: &Path, names: &[&str]) -> Result<(), String> {
    if let Some(unknown) = names
        .iter()
        .find(|name| PEERS.iter().all(|peer| peer.name != **name))
    {
        let known: Vec<_> = PEERS.iter().map(|peer| peer.name).collect();
        return Err(format!(
            "no peer `{unknown}`; there are {}",
            known.join(", ")
        ));
    }
    let places = Places::new(root);
    for directory in ["stamps", "logs", "bin"] {
        let directory = places.peers.join(directory);
        fs::create_dir_all(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    let _lock = lock(&places)?;

    let wanted = PEERS
        .iter()
        .filter(|peer| names.is_empty() || names.contains(&peer.name));
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    for peer in wanted {
        let state = build_one(&places, peer).unwrap_or_else(|reason| {
            eprintln!("peers: {} failed: {reason}", peer.name);
            failures.push(peer.name);
            "failed".to_owned()
        });
        rows.push((peer, state));
    }
    for (peer, state) in rows {
        let path = Path::new("target").join("peers").join(peer.path);
        println!(
            "{:16} {:9} {state:16} {}",
            peer.name,
            peer.version,
            path.display()
        );
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("could not build {}", failures.join(", ")))
    }
}

/// Removes what the peers were built from: over a gigabyte that the next build of one needs again.
pub(crate) fn drop_objects(root: &Path) -> Result<(), String> {
    let places = Places::new(root);
    let _lock = lock(&places)?;
    let objects = places.build().join("debug");
    match fs::remove_dir_all(&objects) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", objects.display()))
        }
        _ => Ok(()),
    }
}

/// Waits until no other process builds peers.
pub(crate) fn lock(places: &Places) -> Result<File, String> {
    let path = places.peers.join("lock");
    let describe = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::create(&path).map_err(describe)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("peers: waiting for another process that builds peers");
            file.lock().map_err(describe)?;
        }
        Err(TryLockError::Error(error)) => return Err(describe(error)),
    }
    Ok(file)
}

fn build_one(places: &Places, peer: &Peer) -> Result<String, String> {
    let fingerprint = stamp::fingerprint(&places.root, peer)?;
    let (stamp, output) = (places.stamp(peer), places.output(peer));
    if output.exists() && fs::read_to_string(&stamp).is_ok_and(|old| old == fingerprint) {
        return Ok("fresh".to_owned());
    }
    // A build that is interrupted must not leave a stamp behind.
    if stamp.exists() {
        fs::remove_file(&stamp).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    eprintln!(
        "peers: building {} {} (log: {})",
        peer.name,
        peer.version,
        log_name(peer)
    );
    let start = Instant::now();
    recipe::build(places, peer, &output)?;
    if !output.exists() {
        return Err(format!(
            "the build succeeded, but {} is missing",
            output.display()
        ));
    }
    fs::write(&stamp, fingerprint).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(format!("built in {:.1} s", start.elapsed().as_secs_f64()))
}

fn log_name(peer: &Peer) -> String {
    format!("target/peers/logs/{}.log", peer.name)
}
