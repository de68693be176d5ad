//! JSON that no service and no version of the tool would write: a real file with
//! values replaced, moved, repeated, and removed.

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use serde_json::{Value, json};

/// A real file, edited as `bytes` say, until they are used up.
///
/// # Errors
/// When the bytes end within an edit.
pub fn edited(mut json: Value, bytes: &mut Unstructured<'_>) -> Result<Value> {
    for _ in 0..bytes.int_in_range(0..=12)? {
        edit(&mut json, bytes)?;
    }
    Ok(json)
}

/// A key that no file has: what lies under it is written as text.
const TEXT: &str = "\u{0}text";

/// The same JSON, in which strings that hold JSON (such as answers in a history) are parsed into objects.
pub fn opened(json: &Value) -> Value {
    match json {
        Value::String(text) if text.starts_with('{') => match serde_json::from_str::<Value>(text) {
            Ok(inner) => json!({ TEXT: opened(&inner) }),
            Err(_) => json.clone(),
        },
        Value::Array(elements) => elements.iter().map(opened).collect(),
        Value::Object(fields) => fields.iter().map(|(key, field)| (key.clone(), opened(field))).collect(),
        _ => json.clone(),
    }
}

/// What [`opened`] laid open, as text again.
pub fn closed(json: Value) -> Value {
    match json {
        Value::Array(elements) => elements.into_iter().map(closed).collect(),
        Value::Object(mut fields) => match fields.shift_remove(TEXT) {
            Some(inner) => Value::String(closed(inner).to_string()),
            None => fields.into_iter().map(|(key, field)| (key, closed(field))).collect(),
        },
        other => other,
    }
}

/// Repeats of one element; as many as make quadratic work show.
const MOST_REPEATS: u16 = 3_000;

fn edit(json: &mut Value, bytes: &mut Unstructured<'_>) -> Result<()> {
    let count = count(json);
    let nth = bytes.choose_index(count)?;
    let other = nth_of(json, &mut bytes.choose_index(count)?).cloned().unwrap_or_default();
    let Some(place) = nth_of_mut(json, &mut { nth }) else { return Ok(()) };
    match bytes.int_in_range(0..=6u8)? {
        0 => *place = nasty(bytes)?,
        1 => *place = other,
        2 => *place = Value::String(String::arbitrary(bytes)?),
        3 => *place = json!(u64::arbitrary(bytes)?),
        4 => *place = json!(f64::arbitrary(bytes)?),
        5 => match place {
            Value::Array(elements) if !elements.is_empty() => {
                drop(elements.remove(bytes.choose_index(elements.len())?))
            }
            Value::Object(fields) if !fields.is_empty() => {
                let key = fields.keys().nth(bytes.choose_index(fields.len())?).cloned();
                key.and_then(|key| fields.shift_remove(&key));
            }
            Value::String(text) => repeat(text, bytes)?,
            _ => *place = Value::Null,
        },
        _ => match place {
            Value::Array(elements) if !elements.is_empty() => {
                let element = elements[bytes.choose_index(elements.len())?].clone();
                // A large element is not repeated into more than a service would send.
                let most = (2_000_000 / element.to_string().len().max(1)).min(usize::from(MOST_REPEATS)) as u16;
                let times = bytes.int_in_range(1..=most.max(1))?;
                elements.extend((0..times).map(|_| element.clone()));
            }
            Value::String(text) => repeat(text, bytes)?,
            _ => *place = nasty(bytes)?,
        },
    }
    Ok(())
}

fn repeat(text: &mut String, bytes: &mut Unstructured<'_>) -> Result<()> {
    *text = text.repeat(bytes.int_in_range(0..=100)?);
    text.truncate(text.char_indices().nth(10_000).map_or(text.len(), |(at, _)| at));
    Ok(())
}

/// What breaks careless arithmetic and careless text.
fn nasty(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1_000_000_007u64),
        json!(4_294_967_295u64),
        json!(1e308),
        json!(-1e308),
        json!(5e-324),
        json!(0.1),
        json!(""),
        json!("inf"),
        json!("-inf"),
        json!("NaN"),
        json!("9999-12-31T23:59:59.999000+00:00"),
        json!("1970-01-01T00:00:00+00:00"),
        json!("\u{202e}\u{0}<&>\"'|`\n"),
        json!("日本語"),
        json!([]),
        json!({}),
        json!([[]]),
    ];
    Ok(bytes.choose(&values)?.clone())
}

/// Values in it, itself too.
fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn nth_of<'a>(json: &'a Value, left: &mut usize) -> Option<&'a Value> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Value::Array(elements) => elements.iter().find_map(|element| nth_of(element, left)),
        Value::Object(fields) => fields.values().find_map(|field| nth_of(field, left)),
        _ => None,
    }
}

fn nth_of_mut<'a>(json: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Value::Array(elements) => elements.iter_mut().find_map(|element| nth_of_mut(element, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth_of_mut(field, left)),
        _ => None,
    }
}
