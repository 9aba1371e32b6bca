//! The showcase in real Nushells of seven versions: one binary, and each version's own rendering of its values.
//!
//! What a version lacks:
//!
//! | feature | since | before |
//! |---|---|---|
//! | `++` and other operators under new names, `has` | 0.103 | mapped by the SDK |
//! | optional paths into custom values are told to the plugin | 0.108 | Nushell turns its error into nothing |
//! | paths in any case into custom values | 0.108 | Nushell does not tell the plugin |
//! | saving custom values | 0.108 | Nushell refuses by itself |
//! | completion by the plugin | 0.109 | it is never asked |
//! | the caller's directory during completion | 0.115 | Nushell refuses the engine call |
//! | the code of a closure | 0.110 | the SDK refuses and names the version |
//! | cell paths in any case | 0.105 | the SDK leaves the mark out: `get` never minds the case |
//! | `plugin list` has a column `status` | 0.101 | it is `is_running` |
//! | a caught error has what is shown of it | 0.101 | only its message can be compared |

mod closures;
mod customs;
mod engine;
mod errors;
mod idle;
mod life;
mod links;
mod shell;
mod streams;
mod terminal;
mod values;

/// The plugin under test.
const PLUGIN: &str = env!("CARGO_BIN_EXE_nu_plugin_showcase");
