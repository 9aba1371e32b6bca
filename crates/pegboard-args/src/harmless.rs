//! Text from plugins, made safe to show on a terminal.

/// The text without anything that a terminal would act on: control characters show as pictures, characters that turn
/// the direction of writing as their code. Newlines stay; tabs become spaces.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push('\n'),
            '\t' => safe.push_str("    "),
            '\0'..='\u{1f}' => safe.extend(char::from_u32(0x2400 + u32::from(character))),
            '\u{7f}' => safe.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => safe.extend(character.escape_unicode()),
            other => safe.push(other),
        }
    }
    // A line break as Windows writes it is none the less a line break.
    if safe.contains("\u{240d}\n") {
        safe.replace("\u{240d}\n", "\n")
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        for (text, shown) in [
            ("plain\ntext", "plain\ntext"),
            ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
            ("bell\u{7} back\u{8}space\u{7f}", "bell␇ back␈space␡"),
            ("a\r\nb\rc", "a\nb␍c"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("evil\u{202e}txt", "evil\\u{202e}txt"),
            ("tab\tbed", "tab    bed"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
