//! Generates the JSON Schema of the manifest, for editors, from the keys in `keys.rs`.

use serde_json::{Map, Value, json};

use crate::manifest::keys::{DEFAULTS, HOMES, LOCAL, LOCAL_MODE, MANIFEST, SUBTASK, Section, Shape};

/// The schema as JSON. Its definitions include those of the local file and of an entry of a subtask file.
pub fn schema() -> Value {
    let others = [&DEFAULTS, &LOCAL, &LOCAL_MODE, &SUBTASK];
    let below = HOMES.into_iter().filter(|section| **section != MANIFEST).chain(others);
    let definitions: Map<String, Value> = below.map(|section| (section.name.to_owned(), of_section(section))).collect();
    let mut schema = of_section(&MANIFEST);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "dispatch.yaml".into();
    schema["$defs"] = definitions.into();
    schema
}

fn of_section(section: &Section) -> Value {
    let mut properties = Map::new();
    for key in section.keys {
        let shape = of_shape(&key.shape);
        let mut value = if key.is_required { shape } else { or_null(shape) };
        describe(&mut value, key.about);
        properties.insert(key.name.to_owned(), value);
    }
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: Vec<&str> = section.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if section.is_file() {
        schema["patternProperties"] = json!({ "^x-": { "description": "Ignored." } });
    }
    describe(&mut schema, section.about);
    schema
}

fn describe(schema: &mut Value, about: &str) {
    if !about.is_empty() {
        schema["description"] = about.into();
    }
}

fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Number(min, max) => json!({ "type": "integer", "format": "uint32", "minimum": min, "maximum": max }),
        Shape::Usd => json!({ "type": "number", "format": "double", "exclusiveMinimum": 0 }),
        Shape::Duration => json!({
            "type": "string",
            "pattern": r"^\s*([0-9]+(ms|s|m|h|d)\s*)+$",
            "description": "A length of time such as `30m`, `10s` or `1h 30m`.",
        }),
        Shape::Amount => json!({
            "type": ["string", "integer"],
            "minimum": 1,
            "pattern": r"^\s*[0-9]+\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?\s*$",
            "description": "An amount of bytes such as `1GiB`, `512MB` or `65536`.",
        }),
        Shape::Name => json!({
            "type": "string",
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$",
            "description": "Letters, digits, `_` and `-`.",
        }),
        Shape::Id => json!({
            "type": "string",
            "pattern": r"^[A-Za-z0-9_](\.?[A-Za-z0-9_-])*$",
            "maxLength": 64,
            "description": "A task id: letters, digits, `_`, `-`, and dots inside.",
        }),
        Shape::Command => json!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
            "description": "A command: text that is split as a shell would (no shell runs), or a list of words.",
        }),
        Shape::Choice(words) => words(),
        Shape::List(item) => json!({ "type": "array", "items": of_shape(item) }),
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": or_null(of_shape(value)) }),
        Shape::Section(section) => json!({ "$ref": format!("#/$defs/{}", section.name) }),
        Shape::Either(one, other) => json!({ "anyOf": [of_shape(one), of_shape(other)] }),
    }
}

/// The schema of a key whose value may be null.
fn or_null(mut schema: Value) -> Value {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one.take(), "null"]),
        None => return json!({ "anyOf": [schema, { "type": "null" }] }),
    }
    schema
}
