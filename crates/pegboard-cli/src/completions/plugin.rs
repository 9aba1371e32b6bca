//! Candidates for commands of installed plugins and their arguments, from the index, and of others from what they said.

use pegboard_host::manifest::index;
use pegboard_host::protocol::nu::{
    Change, Completion, CompletionTarget, Dialect, Flag, PositionalArg, Signature, SyntaxShape,
};
use pegboard_host::store::Snapshot;

use super::answer::{Answer, Files, Question, Whom};
use super::given::Given;

/// The plugins that there are for a line.
pub(super) struct Known<'a> {
    snapshot: &'a Snapshot,
    /// Those that the line names: their commands come first.
    plugins: &'a [&'a str],
    /// Those of them that are not installed.
    given: Vec<Given>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        plugins: &'a [&'a str],
        given: Vec<Given>,
    ) -> Known<'a> {
        Known {
            snapshot,
            plugins,
            given,
        }
    }

    /// The names and descriptions of the commands whose names begin like this, in their order.
    fn starting_with(&self, prefix: &str) -> Vec<(&str, &str)> {
        let given = self.given.iter().flat_map(|it| &it.signatures);
        let given = given.map(|it| (it.sig.name.as_str(), it.sig.description.as_str()));
        let index = self.snapshot.index();
        let installed = index.starting_with(prefix);
        let installed = installed.map(|command| (command.name(), command.description()));
        let mut all: Vec<_> = given
            .filter(|(name, _)| name.starts_with(prefix))
            .chain(installed)
            .collect();
        if !self.given.is_empty() {
            all.sort_by_key(|(name, _)| *name);
        }
        all
    }
}

/// A command with what its arguments need.
struct Found {
    signature: Signature,
    /// How many words its name is.
    used: usize,
    /// Whom to ask for values that only the plugin knows, if it can be asked.
    asked: Option<Whom>,
}

/// What can stand behind these words of a `pegboard run`.
pub(super) fn answer(known: &Known<'_>, words: &[String], current: &str) -> Answer {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let behind_bar = words.iter().rposition(|word| *word == "|");
    let stage = &words[behind_bar.map_or(0, |bar| bar + 1)..];
    // The name may have been quoted as one word.
    let mut parts: Vec<&str> = Vec::new();
    if let Some((first, rest)) = stage.split_first() {
        parts.extend(first.split_whitespace());
        parts.extend(rest);
    }
    let mut answer = Answer::default();
    names(known, &parts, current, &mut answer);
    let installed = installed(known.snapshot, known.plugins, &parts);
    let given = given(&known.given, &parts);
    let longer = |given: &Found| installed.as_ref().is_none_or(|it| it.used <= given.used);
    if let Some(found) = given.filter(longer).or(installed) {
        let arguments = Arguments::read(&found.signature, &parts[found.used..]);
        arguments.answer(found.asked.as_ref(), current, &mut answer);
    }
    answer
}

/// The command with the longest name that the words begin with, of those plugins that are not installed.
fn given(plugins: &[Given], words: &[&str]) -> Option<Found> {
    let commands = plugins.iter().flat_map(|plugin| {
        let signatures = plugin.signatures.iter();
        signatures.map(move |signature| (plugin, &signature.sig))
    });
    let found = commands.filter_map(|(plugin, signature)| {
        let name: Vec<&str> = signature.name.split_whitespace().collect();
        let begins = !name.is_empty() && words.starts_with(&name);
        begins.then(|| Found {
            signature: signature.clone(),
            used: name.len(),
            asked: completes(plugin.protocol.as_deref()).then(|| Whom::Given(plugin.path.clone())),
        })
    });
    found.max_by_key(|found| found.used)
}

/// The same of those that are installed.
fn installed(snapshot: &Snapshot, plugins: &[&str], words: &[&str]) -> Option<Found> {
    let (command, used) = command(snapshot, plugins, words)?;
    let plugin = command.plugin();
    let signatures = snapshot.signatures(plugin.name()).ok()??;
    let named = |signature: &Signature| signature.name == command.name();
    let signature = signatures.into_iter().map(|it| it.sig).find(named)?;
    let asked = completes(plugin.protocol()).then(|| Whom::Installed(plugin.name().to_owned()));
    Some(Found {
        signature,
        used,
        asked,
    })
}

/// The command with the longest name that the words begin with; of several, that of a plugin that the line names.
fn command<'a>(
    snapshot: &'a Snapshot,
    plugins: &[&str],
    words: &[&str],
) -> Option<(index::Command<'a>, usize)> {
    let (command, used) = snapshot.index().longest(words)?;
    let is_given = |command: &index::Command<'_>| {
        let plugin = command.plugin();
        let same_file = |given: &&&str| {
            std::fs::canonicalize(given).is_ok_and(|path| path.as_os_str() == plugin.path())
        };
        plugins.contains(&plugin.name()) || plugins.iter().any(|given| same_file(&given))
    };
    let mut alike = snapshot.index().named(command.name());
    let preferred = alike.find(|command| !plugins.is_empty() && is_given(command));
    Some((preferred.unwrap_or(command), used))
}

/// The next words of the names that begin with these words; whole names where somebody quotes them as one word.
pub(super) fn names(known: &Known<'_>, words: &[&str], current: &str, answer: &mut Answer) {
    let mut typed = words.join(" ");
    if !typed.is_empty() {
        typed.push(' ');
    }
    let start = typed.len();
    typed.push_str(current);
    for (name, description) in known.starting_with(&typed) {
        let rest = &name[start..];
        let end = rest[current.len()..]
            .find(' ')
            .map(|end| current.len() + end);
        match (end, answer.candidates.last_mut()) {
            (Some(end), Some(last)) if last.value == rest[..end] => {}
            (Some(end), _) => answer.offer(&rest[..end], "commands"),
            (None, _) => answer.offer(rest, description),
        }
    }
}

/// The words behind the name of a command, as far as they were read.
struct Arguments<'a> {
    signature: &'a Signature,
    /// The flags that were given.
    given: Vec<&'a Flag>,
    positional: usize,
    /// A flag whose value comes next.
    pending: Option<&'a Flag>,
    /// The word of the next argument's keyword has been given.
    keyword: bool,
    flags_ended: bool,
}

impl<'a> Arguments<'a> {
    fn read(signature: &'a Signature, words: &[&str]) -> Arguments<'a> {
        let mut arguments = Arguments {
            signature,
            given: Vec::new(),
            positional: 0,
            pending: None,
            keyword: false,
            flags_ended: false,
        };
        for word in words {
            arguments.take(word);
        }
        arguments
    }

    fn take(&mut self, word: &str) {
        let is_flag = !self.flags_ended && word.len() > 1 && word.starts_with('-');
        if self.pending.take().is_some() {
        } else if !self.flags_ended && word == "--" {
            self.flags_ended = true;
        } else if is_flag && let Some((flag, value)) = self.flag(word) {
            self.pending = (flag.arg.is_some() && !value).then_some(flag);
        } else {
            let shape = self.next().map(|argument| &argument.shape);
            let has_keyword = matches!(shape, Some(SyntaxShape::Keyword(..)));
            if has_keyword && !self.keyword {
                self.keyword = true;
            } else {
                self.keyword = false;
                self.positional += 1;
            }
        }
    }

    /// The last flag of a word, and whether its value is in the word too.
    fn flag(&mut self, word: &str) -> Option<(&'a Flag, bool)> {
        let signature = self.signature;
        let (names, value) = match word.split_once('=') {
            Some((names, _)) => (names, true),
            None => (word, false),
        };
        if let Some(long) = names.strip_prefix("--") {
            let flag = signature.named.iter().find(|flag| flag.long == long)?;
            self.given.push(flag);
            return Some((flag, value));
        }
        let mut last = None;
        let mut shorts = names.chars().skip(1).peekable();
        while let Some(short) = shorts.next() {
            let mut flags = signature.named.iter();
            let flag = flags.find(|flag| flag.short == Some(short))?;
            self.given.push(flag);
            let joined = flag.arg.is_some() && shorts.peek().is_some();
            last = Some((flag, value || joined));
            if joined {
                break;
            }
        }
        last
    }

    /// The positional argument that comes next.
    fn next(&self) -> Option<&'a PositionalArg> {
        let signature = self.signature;
        let required = signature.required_positional.iter();
        let mut named = required.chain(&signature.optional_positional);
        named
            .nth(self.positional)
            .or(signature.rest_positional.as_ref())
    }

    fn answer(&self, asked: Option<&Whom>, current: &str, answer: &mut Answer) {
        let question = |target| {
            asked.map(|plugin| Question {
                plugin: plugin.clone(),
                command: self.signature.name.clone(),
                target,
            })
        };
        let value = |flag: &'a Flag, answer: &mut Answer| {
            let shape = flag.arg.as_ref()?;
            let unknown = values(shape, flag.completion.as_ref(), answer);
            let target = CompletionTarget::Flag(flag.long.clone());
            answer.question = unknown.then(|| question(target)).flatten();
            Some(())
        };
        if let Some(flag) = self.pending {
            value(flag, answer);
        } else if !self.flags_ended && current.starts_with("--") && current.contains('=') {
            let name = current.split('=').next().unwrap_or_default();
            let mut flags = self.signature.named.iter();
            if let Some(flag) = flags.find(|flag| name.strip_prefix("--") == Some(&flag.long)) {
                answer.prefix = format!("{name}=");
                value(flag, answer);
            }
        } else if !self.flags_ended && current.starts_with('-') {
            self.offer_flags(answer);
        } else if let Some(argument) = self.next() {
            let unknown = match &argument.shape {
                SyntaxShape::Keyword(keyword, _) if !self.keyword => {
                    answer.offer(String::from_utf8_lossy(keyword), &argument.desc);
                    false
                }
                shape => values(shape, argument.completion.as_ref(), answer),
            };
            let target = CompletionTarget::Positional(self.positional as u64);
            answer.question = unknown.then(|| question(target)).flatten();
        } else if !self.flags_ended {
            self.offer_flags(answer);
        }
    }

    fn offer_flags(&self, answer: &mut Answer) {
        let flags = self.signature.named.iter();
        for flag in flags.filter(|flag| is_repeated(flag) || !self.given.contains(flag)) {
            if let Some(short) = flag.short {
                answer.offer(format!("-{short}"), &flag.desc);
            }
            if !flag.long.is_empty() {
                answer.offer(format!("--{}", flag.long), &flag.desc);
            }
        }
        if !self.signature.named.iter().any(|flag| flag.long == "help") {
            answer.offer("--help", "Show how the command is used");
        }
    }
}

/// True for a flag that says so; signatures have no other way to tell.
fn is_repeated(flag: &Flag) -> bool {
    flag.desc.to_ascii_lowercase().contains("can be repeated")
}

/// Offers what the signature says. True if only the plugin can know more.
fn values(shape: &SyntaxShape, completion: Option<&Completion>, answer: &mut Answer) -> bool {
    if let Some(Completion::List(values)) = completion {
        for value in values {
            answer.offer(value, "");
        }
        return false;
    }
    match shape {
        SyntaxShape::Boolean => {
            answer.offer("true", "");
            answer.offer("false", "");
            false
        }
        SyntaxShape::Directory => {
            answer.files = answer.files.or(Some(Files::Directories));
            false
        }
        SyntaxShape::Filepath | SyntaxShape::GlobPattern => {
            answer.files = Some(Files::Any);
            false
        }
        SyntaxShape::Keyword(_, inner) | SyntaxShape::CompleterWrapper(inner, _) => {
            values(inner, None, answer)
        }
        SyntaxShape::OneOf(shapes) => {
            let unknown = shapes.iter().map(|shape| values(shape, None, answer));
            unknown.fold(false, |any, unknown| any | unknown)
        }
        SyntaxShape::String | SyntaxShape::Any | SyntaxShape::Unknown(_) => {
            // Text may be the name of a file, for all that is known, unless the plugin says otherwise.
            answer.files = Some(Files::Any);
            true
        }
        SyntaxShape::CellPath | SyntaxShape::FullCellPath | SyntaxShape::ExternalArgument => true,
        _ => false,
    }
}

/// False for plugins from before plugins could be asked for candidates.
fn completes(protocol: Option<&str>) -> bool {
    let Some(version) = protocol else {
        return true;
    };
    let dialect = version
        .parse()
        .ok()
        .and_then(|version| Dialect::of(&version).ok());
    dialect.is_some_and(|dialect| dialect.has(Change::DynamicCompletion))
}
