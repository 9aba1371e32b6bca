//! The help text of a command.

use std::fmt;

use pegboard_protocol::nu::{Flag, PluginSignature, PositionalArg, Signature, Type};

use super::describe::{shape_name, type_name};
use super::flags::written;
use super::literal::literal;
use crate::harmless;

/// The help text of a command, as its `Display`: plain text without colour, with a newline at the end.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    signature: &'a PluginSignature,
    width: usize,
}

impl<'a> Usage<'a> {
    /// The help text of this command, for 80 columns.
    pub fn new(signature: &'a PluginSignature) -> Usage<'a> {
        Usage {
            signature,
            width: 80,
        }
    }

    /// Breaks lines at this many columns; at least 40.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Usage<'a> {
        self.width = columns.max(40);
        self
    }

    /// One line: the command's name and what is written behind it, such as `inc [flags] [cell_path]`.
    pub fn line(&self) -> String {
        usage_line(&self.signature.sig)
    }
}

/// The name of a command and what is written behind it, on one line.
pub(super) fn usage_line(signature: &Signature) -> String {
    let mut words = vec![signature.name.clone()];
    for flag in signature.named.iter().filter(|flag| flag.required) {
        words.push(match &flag.arg {
            Some(shape) => format!("{} <{}>", written(flag), shape_name(shape)),
            None => written(flag),
        });
    }
    if signature.named.iter().any(|flag| !flag.required) {
        words.push("[flags]".to_owned());
    }
    words.extend(
        signature
            .required_positional
            .iter()
            .map(|argument| format!("<{}>", keyworded(argument))),
    );
    words.extend(
        signature
            .optional_positional
            .iter()
            .map(|argument| format!("[{}]", keyworded(argument))),
    );
    if let Some(rest) = &signature.rest_positional {
        let name = if rest.name.is_empty() {
            "rest"
        } else {
            &rest.name
        };
        words.push(format!("[{name}]..."));
    }
    harmless(&words.join(" "))
}

fn keyworded(argument: &PositionalArg) -> String {
    match &argument.shape {
        pegboard_protocol::nu::SyntaxShape::Keyword(keyword, _) => {
            format!("{} {}", String::from_utf8_lossy(keyword), argument.name)
        }
        _ => argument.name.clone(),
    }
}

impl fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = Page { width: self.width };
        let signature = &self.signature.sig;
        page.paragraphs(f, "", &signature.description)?;
        if !signature.extra_description.trim().is_empty() {
            writeln!(f)?;
            page.paragraphs(f, "", &signature.extra_description)?;
        }
        let lead = if signature.description.is_empty() {
            ""
        } else {
            "\n"
        };
        writeln!(f, "{lead}Usage:\n  {}", self.line())?;
        page.table(f, "Arguments", &arguments(signature))?;
        page.table(f, "Flags", &flags(signature))?;
        page.table(f, "Input and output", &types(signature))?;
        if !signature.search_terms.is_empty() {
            writeln!(f, "\nSearch terms:")?;
            page.paragraphs(f, "  ", &signature.search_terms.join(", "))?;
        }
        self.examples(f, page)
    }
}

impl Usage<'_> {
    fn examples(&self, f: &mut fmt::Formatter<'_>, page: Page) -> fmt::Result {
        if !self.signature.examples.is_empty() {
            writeln!(f, "\nExamples:")?;
        }
        for example in &self.signature.examples {
            page.paragraphs(f, "  ", &example.description)?;
            for (index, line) in harmless(&example.example).lines().enumerate() {
                writeln!(f, "  {} {line}", if index == 0 { ">" } else { " " })?;
            }
            if let Some(result) = &example.result {
                let result = literal(result, self.width.saturating_sub(7));
                writeln!(f, "  {}", harmless(&result))?;
            }
        }
        Ok(())
    }
}

fn arguments(signature: &Signature) -> Vec<(String, String)> {
    let row = |open: &str, close: &str, argument: &PositionalArg| {
        let what = format!(
            "{open}{}{close} ({})",
            argument.name,
            shape_name(&argument.shape)
        );
        let default = argument.default_value.as_ref();
        (
            what,
            with_default(&argument.desc, default.map(|value| literal(value, 40))),
        )
    };
    let required = signature
        .required_positional
        .iter()
        .map(|argument| row("<", ">", argument));
    let optional = signature
        .optional_positional
        .iter()
        .map(|argument| row("[", "]", argument));
    let rest = signature
        .rest_positional
        .iter()
        .map(|argument| row("[", "]...", argument));
    required.chain(optional).chain(rest).collect()
}

fn flags(signature: &Signature) -> Vec<(String, String)> {
    let row = |flag: &Flag| {
        let mut what = match flag.short {
            Some(short) if flag.long.is_empty() => format!("-{short}"),
            Some(short) => format!("-{short}, --{}", flag.long),
            None => format!("    --{}", flag.long),
        };
        if let Some(shape) = &flag.arg {
            what.push_str(&format!(" <{}>", shape_name(shape)));
        }
        let required = if flag.required { "(required) " } else { "" };
        let default = flag.default_value.as_ref().map(|value| literal(value, 40));
        (
            what,
            with_default(&format!("{required}{}", flag.desc), default),
        )
    };
    signature.named.iter().map(row).collect()
}

fn types(signature: &Signature) -> Vec<(String, String)> {
    let types = signature.input_output_types.iter();
    let given = types.filter(|pair| **pair != (Type::Any, Type::Any));
    given
        .map(|(input, output)| {
            (
                format!("{} -> {}", type_name(input), type_name(output)),
                String::new(),
            )
        })
        .collect()
}

fn with_default(description: &str, default: Option<String>) -> String {
    match default {
        Some(default) => format!("{description} (default: {default})")
            .trim_start()
            .to_owned(),
        None => description.to_owned(),
    }
}

/// Lays out text in lines of a width.
#[derive(Clone, Copy)]
struct Page {
    width: usize,
}

impl Page {
    fn table(
        self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        rows: &[(String, String)],
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{title}:")?;
        let widest = rows
            .iter()
            .map(|(what, _)| what.chars().count())
            .max()
            .unwrap_or(0);
        let column = widest.min(self.width / 2 - 4);
        for (what, description) in rows {
            let what = harmless(what);
            let mut lines = self.wrap(&harmless(description), column + 4).into_iter();
            let fits = what.chars().count() <= column;
            match lines.next() {
                Some(first) if fits => writeln!(f, "  {what:column$}  {first}")?,
                Some(first) => writeln!(f, "  {what}\n  {:column$}  {first}", "")?,
                None => writeln!(f, "  {what}")?,
            }
            for line in lines {
                writeln!(f, "  {:column$}  {line}", "")?;
            }
        }
        Ok(())
    }

    fn paragraphs(self, f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
        for line in self.wrap(harmless(text).trim_end(), indent.len()) {
            writeln!(f, "{}", format!("{indent}{line}").trim_end())?;
        }
        Ok(())
    }

    /// Breaks a text between words, behind an indentation; its own line breaks and their indentation stay.
    fn wrap(self, text: &str, indent: usize) -> Vec<String> {
        let room = self.width.saturating_sub(indent).max(20);
        let mut lines = Vec::new();
        for line in text.lines() {
            let own = line.len() - line.trim_start().len();
            let mut current = line[..own].to_owned();
            let mut length = own;
            for word in line.split_whitespace() {
                let letters = word.chars().count();
                if length > own && length + 1 + letters > room {
                    lines.push(std::mem::replace(&mut current, line[..own].to_owned()));
                    length = own;
                }
                if length > own {
                    current.push(' ');
                    length += 1;
                }
                current.push_str(word);
                length += letters;
            }
            lines.push(current);
        }
        lines
    }
}
