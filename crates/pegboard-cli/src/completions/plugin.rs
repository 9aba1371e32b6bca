//! Candidates for commands of installed plugins and their arguments, from the index alone.

use pegboard_host::manifest::index;
use pegboard_host::protocol::nu::{
    Change, Completion, CompletionTarget, Dialect, Flag, PositionalArg, Signature, SyntaxShape,
};
use pegboard_host::store::Snapshot;

use super::answer::{Answer, Files, Question};

/// What can stand behind these words of a `pegboard run`. `plugins` are those that the line names: their commands come
/// first.
pub(super) fn answer(
    snapshot: &Snapshot,
    plugins: &[&str],
    words: &[String],
    current: &str,
) -> Answer {
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
    names(snapshot, &parts, current, &mut answer);
    let Some((command, used)) = command(snapshot, plugins, &parts) else {
        return answer;
    };
    let signatures = snapshot.signatures(command.plugin().name());
    let signatures = signatures.ok().flatten().unwrap_or_default();
    let named = |signature: &&Signature| signature.name == command.name();
    let signature = signatures.iter().map(|it| &it.sig).find(named);
    if let Some(signature) = signature {
        let arguments = Arguments::read(signature, &parts[used..]);
        arguments.answer(command.plugin(), current, &mut answer);
    }
    answer
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
pub(super) fn names(snapshot: &Snapshot, words: &[&str], current: &str, answer: &mut Answer) {
    let index = snapshot.index();
    let mut typed = words.join(" ");
    if !typed.is_empty() {
        typed.push(' ');
    }
    let start = typed.len();
    typed.push_str(current);
    for command in index.starting_with(&typed) {
        let rest = &command.name()[start..];
        let end = rest[current.len()..]
            .find(' ')
            .map(|end| current.len() + end);
        match (end, answer.candidates.last_mut()) {
            (Some(end), Some(last)) if last.value == rest[..end] => {}
            (Some(end), _) => answer.offer(&rest[..end], "commands"),
            (None, _) => answer.offer(rest, command.description()),
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

    fn answer(&self, plugin: index::Plugin<'_>, current: &str, answer: &mut Answer) {
        let question = |target| Question {
            plugin: plugin.name().to_owned(),
            command: self.signature.name.clone(),
            target,
        };
        let value = |flag: &'a Flag, answer: &mut Answer| {
            let shape = flag.arg.as_ref()?;
            let unknown = values(shape, flag.completion.as_ref(), answer);
            let target = CompletionTarget::Flag(flag.long.clone());
            answer.question = (unknown && completes(plugin)).then(|| question(target));
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
            answer.question = (unknown && completes(plugin)).then(|| question(target));
        } else if !self.flags_ended {
            self.offer_flags(answer);
        }
    }

    fn offer_flags(&self, answer: &mut Answer) {
        let flags = self.signature.named.iter();
        for flag in flags.filter(|flag| !self.given.contains(flag)) {
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
fn completes(plugin: index::Plugin<'_>) -> bool {
    let Some(version) = plugin.protocol() else {
        return true;
    };
    let dialect = version
        .parse()
        .ok()
        .and_then(|version| Dialect::of(&version).ok());
    dialect.is_some_and(|dialect| dialect.has(Change::DynamicCompletion))
}
