//! Environment variables in a text.

/// Puts values in the place of `$NAME`, `${NAME}` and `${NAME:-default}`, as Octa's own plugins do: in the whole text,
/// whatever stands around them. `$$` is a dollar sign. What has no value, and everything else that begins with a
/// dollar sign, stays as it is: a shell may know more. A default also stands in for an empty value, as in a shell.
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, variable) = rest.split_at(at);
        expanded.push_str(before);
        rest = match replace(&variable[1..], &value) {
            Some((with, behind)) => {
                expanded.push_str(&with);
                behind
            }
            None => {
                expanded.push('$');
                &variable[1..]
            }
        };
    }
    expanded.push_str(rest);
    expanded
}

/// What stands for what is behind a dollar sign, and what comes then. None if it is to stay.
fn replace<'a>(
    text: &'a str,
    value: &impl Fn(&str) -> Option<String>,
) -> Option<(String, &'a str)> {
    if let Some(rest) = text.strip_prefix('$') {
        return Some(("$".to_owned(), rest));
    }
    if let Some(inside) = text.strip_prefix('{') {
        let (inside, rest) = inside.split_once('}')?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if name_length(name) != name.len() || name.is_empty() {
            return None;
        }
        let found = match (value(name), default) {
            (Some(found), Some(_)) if found.is_empty() => None,
            (found, _) => found,
        };
        return Some((found.or_else(|| default.map(str::to_owned))?, rest));
    }
    let (name, rest) = text.split_at(name_length(text));
    if name.is_empty() {
        return None;
    }
    Some((value(name)?, rest))
}

/// How many bytes of a text are a name.
fn name_length(text: &str) -> usize {
    let is_part = |(at, byte): &(usize, u8)| {
        *byte == b'_' || byte.is_ascii_alphabetic() || *at > 0 && byte.is_ascii_digit()
    };
    text.bytes().enumerate().take_while(is_part).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let value = |name: &str| match name {
            "FOO" => Some("foo v".to_owned()),
            "A_1" => Some("$FOO".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        assert_eq!(expand(text, value), expected, "{text}");
    }

    #[test]
    fn as_octas_own_plugins_expand() {
        check(
            r"A=$FOO B=${FOO} C=${NOPE:-dflt} D=$NOPE2 E=$(echo sub) F='$FOO' G=\$FOO H=$$",
            r"A=foo v B=foo v C=dflt D=$NOPE2 E=$(echo sub) F='foo v' G=\foo v H=$",
        );
    }

    #[test]
    fn what_a_shell_knows_stays() {
        check("$? $# $@ $* $1 $! $- $", "$? $# $@ $* $1 $! $- $");
        check(
            "${NOPE} ${FOO ${} ${1} ${FOO%v}",
            "${NOPE} ${FOO ${} ${1} ${FOO%v}",
        );
        check(
            "for i in 1 2; do echo $i; done",
            "for i in 1 2; do echo $i; done",
        );
    }

    #[test]
    fn names_end_where_they_end() {
        check(
            "$FOO.txt $FOO-$FOO $FOObar ${FOO}bar",
            "foo v.txt foo v-foo v $FOObar foo vbar",
        );
        check("ä$FOOä", "äfoo vä");
    }

    #[test]
    fn what_was_put_in_is_not_expanded_again() {
        check("$A_1 $$FOO", "$FOO $FOO");
    }

    #[test]
    fn an_empty_value_is_a_value_unless_there_is_a_default() {
        check(
            "[$EMPTY] [${EMPTY}] [${EMPTY:-x}] [${NOPE:-}]",
            "[] [] [x] []",
        );
    }
}
