//! `pegboard remove`: plugins are taken out of the index.

use pegboard_args::nearest;
use pegboard_host::store::Store;
use pegboard_host::{LabeledError, ReportStyle};
use serde_json::json;

use crate::exit::{Exit, Failure, write_out};
use crate::installed;
use crate::listing::escaped;
use crate::options::RemoveOptions;

pub(crate) fn remove(options: &RemoveOptions) -> Result<Exit, Failure> {
    let store = installed::store()?;
    let (mut text, mut removed) = (String::new(), Vec::new());
    let mut failed: Option<Failure> = None;
    for name in &options.names {
        if store.remove(name).map_err(Failure::of_store)? {
            text.push_str(&ReportStyle::harmless(&format!("removed {name}\n")));
            removed.push(name.as_str());
            continue;
        }
        let failure = unknown(&store, name)?;
        failure.show();
        failed.get_or_insert(failure);
    }
    let written = write_out(&match options.json {
        true => escaped(&format!("{:#}\n", json!(removed))),
        false => text,
    });
    Ok(failed.map_or(written, |failure| failure.exit()))
}

/// That there is no plugin of this name.
pub(crate) fn unknown(store: &Store, name: &str) -> Result<Failure, Failure> {
    let snapshot = installed::read(store)?;
    let names = snapshot.index().plugins().map(|plugin| plugin.name());
    let help = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`pegboard list` shows what is installed".to_owned(),
    };
    let error = LabeledError::new(format!("no plugin `{name}` is installed"))
        .with_code("pegboard::store::unknown_plugin")
        .with_help(help);
    Ok(Failure::misuse(error))
}
