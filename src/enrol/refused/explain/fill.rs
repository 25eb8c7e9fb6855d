//! Values into the sentences of the table.

/// Fills `{name}` in. What is filled in is not looked at again: a requester's value never becomes a part of the text.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(name, behind)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, behind))
        });
        rest = match found {
            Some((value, behind)) => {
                out.push_str(value);
                behind
            }
            None => {
                out.push('{');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// A value in single quotes for a shell: what a device wrote may stand in a command to be copied.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let values = [("value", "{rule}".to_owned()), ("rule", "secret".to_owned())];
        assert_eq!(fill("O={value} = { from } {other}", &values), "O={rule} = { from } {other}");
    }

    #[test]
    fn a_command_to_copy_runs_nothing_that_a_device_wrote() {
        assert_eq!(quoted("CN=$(reboot)'; reboot #"), r"'CN=$(reboot)'\''; reboot #'");
    }
}
