//! Patterns for names: literal text, `?` (one character), `*` (any number), `[0-9A-F]` (one of a set)
//! and `{12}` or `{1,8}` (the item before it so often). They match the whole value, in time that grows with
//! pattern × value only: there is no backtracking to exploit.

use crate::error::{Error, Result};

const MAX_PATTERN: usize = 256;
const MAX_REPEAT: usize = 255;
const MAX_VALUE: usize = 1024;

/// A pattern, compiled.
#[derive(Clone, Debug)]
pub struct Pattern {
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    class: Class,
    least: usize,
    most: Option<usize>,
}

#[derive(Clone, Debug)]
enum Class {
    Literal(char),
    Any,
    Set(Vec<(char, char)>),
}

impl Pattern {
    /// Compiles a pattern. Errors: `invalid-pattern` saying what is wrong.
    pub fn parse(source: &str) -> Result<Self> {
        if source.is_empty() || source.len() > MAX_PATTERN {
            return Err(bad("a pattern has 1 to 256 bytes"));
        }
        let mut items = Vec::new();
        let mut rest = source.chars().peekable();
        while let Some(c) = rest.next() {
            items.push(match c {
                '*' => Item { class: Class::Any, least: 0, most: None },
                '?' => once(Class::Any),
                '[' => once(Class::Set(set(&mut rest)?)),
                '{' => {
                    let last = items.last_mut().ok_or_else(|| bad("{ has nothing before it to repeat"))?;
                    repeat(last, &mut rest)?;
                    continue;
                }
                ']' | '}' => return Err(bad("] or } without its beginning")),
                '\\' => once(Class::Literal(rest.next().ok_or_else(|| bad("\\ stands last"))?)),
                other => once(Class::Literal(other)),
            });
        }
        Ok(Self { items })
    }

    /// Whether the whole of `value` is matched; a value over 1,024 characters never is.
    pub fn matches(&self, value: &str) -> bool {
        let value: Vec<char> = value.chars().take(MAX_VALUE + 1).collect();
        if value.len() > MAX_VALUE {
            return false;
        }
        let mut reached = vec![false; value.len() + 1];
        let mut next = reached.clone();
        reached[0] = true;
        for item in &self.items {
            item.advance(&reached, &value, &mut next);
            std::mem::swap(&mut reached, &mut next);
        }
        reached[value.len()]
    }
}

impl Item {
    /// Writes to `next` the places that can be reached from `reached` by this item.
    fn advance(&self, reached: &[bool], value: &[char], next: &mut [bool]) {
        next.fill(false);
        for start in (0..reached.len()).filter(|i| reached[*i]) {
            let run = value[start..].iter().take_while(|c| self.class.holds(**c)).count();
            let most = self.most.unwrap_or(run).min(run);
            if most >= self.least {
                next[start + self.least..=start + most].fill(true);
            }
        }
    }
}

impl Class {
    fn holds(&self, c: char) -> bool {
        match self {
            Self::Literal(own) => *own == c,
            Self::Any => true,
            Self::Set(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)),
        }
    }
}

fn once(class: Class) -> Item {
    Item { class, least: 1, most: Some(1) }
}

fn bad(reason: &str) -> Error {
    Error::invalid("invalid-pattern", reason)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn set(rest: &mut Rest<'_>) -> Result<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    loop {
        let from = rest.next().ok_or_else(|| bad("[ without its ]"))?;
        if from == ']' {
            break;
        }
        if from != '-' && rest.peek() == Some(&'-') {
            rest.next();
            // a hyphen that stands last is itself
            let Some(to) = rest.next_if(|c| *c != ']') else {
                ranges.extend([(from, from), ('-', '-')]);
                continue;
            };
            range(&mut ranges, from, to)?;
        } else {
            ranges.push((from, from));
        }
    }
    if ranges.is_empty() {
        return Err(bad("[ ] is empty"));
    }
    Ok(ranges)
}

fn range(ranges: &mut Vec<(char, char)>, from: char, to: char) -> Result<()> {
    if from > to {
        return Err(bad("a range in [ ] runs backwards"));
    }
    ranges.push((from, to));
    Ok(())
}

fn repeat(item: &mut Item, rest: &mut Rest<'_>) -> Result<()> {
    let text: String = rest.by_ref().take_while(|c| *c != '}').collect();
    let (least, most) = text.split_once(',').unwrap_or((&text, &text));
    let number = |t: &str| t.parse::<usize>().ok().filter(|n| *n <= MAX_REPEAT);
    match (number(least), number(most)) {
        (Some(least), Some(most)) if least <= most && most > 0 => {
            (item.least, item.most) = (least, Some(most));
            Ok(())
        }
        _ => Err(bad("a repeat is {n} or {least,most}, at most 255")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(value)
    }

    #[test]
    fn whole_values_are_matched() {
        assert!(matches("SEP[0-9A-F]{12}", "SEP001122334455"));
        assert!(!matches("SEP[0-9A-F]{12}", "SEP00112233445"));
        assert!(!matches("SEP[0-9A-F]{12}", "SEP0011223344556"));
        assert!(!matches("SEP[0-9A-F]{12}", "SEP00112233445g"));
        assert!(matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(!matches("a?c", "ac"));
        assert!(matches("[A-Z]{1,3}-*", "AB-"));
        assert!(matches("\\*.x", "*.x"));
        assert!(!matches("\\*.x", "a.x"));
        assert!(matches("[a-c_-]{3}", "b-_") && !matches("[a-c_-]", "d") && matches("[-x]", "-"));
        assert!(matches("*", ""));
        assert!(!matches("*", &"a".repeat(1025)));
    }

    #[test]
    fn adminjson_23_no_pattern_makes_matching_slow() {
        let pattern = Pattern::parse(&"*a".repeat(100)).unwrap();
        assert!(!pattern.matches(&format!("{}b", "a".repeat(1000))));
    }

    #[test]
    fn broken_patterns_are_refused() {
        for text in ["", "[", "[]", "[b-a]", "{3}", "a{", "a{x}", "a{3,1}", "a{256}", "a{0}", "]", "\\"] {
            assert_eq!(Pattern::parse(text).unwrap_err().code(), "invalid-pattern", "{text}");
        }
    }
}
