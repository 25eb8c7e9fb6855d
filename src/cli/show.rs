//! Results on standard output: tables and fields for people, one JSON document for scripts.

use serde_json::Value;

use crate::cli::csv::Sheet;
use crate::cli::{Context, ExitCode, Output};
use crate::error::Result;

/// A column: its heading and the field it shows (`crl.number` for an inner one).
pub type Column = (&'static str, &'static str);

/// Prints a list answer (`{"items": […], "next": …}`); `next` goes on with the flag `onward`.
pub fn list(context: &Context, answer: &Value, columns: &[Column], onward: &str) -> Result<()> {
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    match context.global.output {
        Output::Json => return json(answer),
        Output::Csv => Sheet::new(std::io::stdout().lock(), columns).rows(items)?,
        Output::Text => print!("{}", table(items, columns)),
    }
    more(answer["next"].as_str(), onward);
    Ok(())
}

/// Says how to go on where a list was cut.
pub fn more(next: Option<&str>, onward: &str) {
    if let Some(next) = next {
        eprintln!("more: go on with {onward} {next}");
    }
}

/// Prints one object: a field a line for people; long texts (PEM) stand last.
pub fn object(context: &Context, answer: &Value) -> Result<()> {
    if context.is_json() {
        return json(answer);
    }
    let fields: Vec<_> = answer.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()).collect();
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let (long, short): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(_, v)| v.as_str().is_some_and(|s| s.contains('\n')));
    for (name, value) in short {
        println!("{:width$}  {}", name.replace('_', " "), text(value));
    }
    for (_, value) in long {
        println!("\n{}", value.as_str().unwrap_or_default().trim_end());
    }
    Ok(())
}

/// Says what was done: a sentence for people, an object for scripts.
pub fn done(context: &Context, answer: &Value, sentence: &str) -> Result<()> {
    if context.is_json() {
        return json(answer);
    }
    println!("{sentence}");
    Ok(())
}

/// Prints the report of a check; `good` names the field that says whether all is well.
pub fn report(context: &Context, answer: &Value, good: &str) -> Result<ExitCode> {
    let is_good = answer[good] == true;
    if context.is_json() {
        json(answer)?;
    } else {
        for finding in answer["findings"].as_array().into_iter().flatten() {
            println!("{}", text(if finding.is_object() { &finding["problem"] } else { finding }));
        }
        let counts = answer.as_object().into_iter().flatten().filter(|(_, v)| v.is_number());
        let counts: Vec<_> = counts.map(|(name, n)| format!("{} {n}", name.replace('_', " "))).collect();
        println!("{}: {}", if is_good { "consistent" } else { "NOT consistent" }, counts.join(", "));
    }
    Ok(if is_good { ExitCode::Done } else { ExitCode::Failed })
}

/// Prints JSON as it is, indented.
pub fn json(value: &Value) -> Result<()> {
    println!("{value:#}");
    Ok(())
}

/// Aligned columns under their headings.
pub fn table(items: &[Value], columns: &[Column]) -> String {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| columns.iter().map(|(_, field)| text(inner(item, field))).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(c, (heading, _))| {
            rows.iter().map(|row| row[c].chars().count()).fold(heading.len(), usize::max)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(columns.iter().map(|(heading, _)| *heading).collect());
    rows.iter().for_each(|row| out.push_str(&line(row.iter().map(String::as_str).collect())));
    out
}

/// A field of a value, `crl.number` for an inner one; null if it is not there.
pub fn inner<'a>(item: &'a Value, field: &str) -> &'a Value {
    field.split('.').fold(item, |value, name| &value[name])
}

/// A value as one line without control characters: what a device wrote cannot move the cursor.
pub fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(s) => s.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}={}", text(v))).collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_aligned_and_on_one_line_each() {
        let items = [json!({"a": "x\u{1b}[31m", "b": {"c": 7}}), json!({"a": null, "b": {"c": 10}})];
        assert_eq!(
            table(&items, &[("NAME", "a"), ("N", "b.c")]),
            "NAME    N\nx\u{fffd}[31m  7\n-       10\n"
        );
    }
}
