//! The text of the configuration, changed for a new authority: comments and order stay.

use anyhow::{Context, Result, bail};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// The files of an authority, as the configuration names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The files that `[issuer]` names.
pub(super) fn present(text: &str) -> Result<Pair> {
    let document: DocumentMut = text.parse()?;
    let issuer =
        document.get("issuer").and_then(Item::as_table_like).context("there is no [issuer] in it")?;
    let named = |name| issuer.get(name).and_then(Item::as_str).map(str::to_owned);
    match (named("certificate"), named("key")) {
        (Some(certificate), Some(key)) => Ok(Pair { certificate, key }),
        _ => bail!("its [issuer] does not name certificate and key"),
    }
}

/// The text with another present authority; the one before is a previous one.
pub(crate) fn changed(text: &str, new: &Pair) -> Result<String> {
    let old = present(text)?;
    let mut document: DocumentMut = text.parse()?;
    let issuer =
        document.get_mut("issuer").and_then(Item::as_table_like_mut).context("there is no [issuer] in it")?;
    set(issuer, "certificate", &new.certificate);
    set(issuer, "key", &new.key);
    let inline =
        || -> InlineTable { [("certificate", &old.certificate), ("key", &old.key)].into_iter().collect() };
    match issuer.get_mut("previous") {
        Some(Item::ArrayOfTables(tables)) => tables.push(table(&old)),
        Some(Item::Value(Value::Array(array))) => array.push(inline()),
        Some(_) => bail!("its issuer.previous is no list; write it as [[issuer.previous]]"),
        None => {
            let mut tables = ArrayOfTables::new();
            tables.push(table(&old));
            issuer.insert("previous", Item::ArrayOfTables(tables));
        }
    }
    let changed = document.to_string();
    // Where [issuer] is written in an unusual way, the table may have come out wrong.
    if present(&changed).is_ok_and(|present| present == *new)
        && last_previous(&changed).as_ref() == Some(&old)
    {
        return Ok(changed);
    }
    bail!("its [issuer] is written in a way that cannot be edited; write it as a table of its own")
}

/// Sets a value that is there; the comments around it stay, which inserting would drop.
fn set(table: &mut dyn TableLike, name: &str, value: &str) {
    if let Some(Item::Value(there)) = table.get_mut(name) {
        let decor = there.decor().clone();
        *there = Value::from(value);
        *there.decor_mut() = decor;
    }
}

fn table(pair: &Pair) -> Table {
    let mut table = Table::new();
    table.insert("certificate", Item::Value(pair.certificate.as_str().into()));
    table.insert("key", Item::Value(pair.key.as_str().into()));
    table
}

fn last_previous(text: &str) -> Option<Pair> {
    let document: DocumentMut = text.parse().ok()?;
    let of = |table: &dyn TableLike| {
        let named = |name| table.get(name).and_then(Item::as_str).map(str::to_owned);
        Some(Pair { certificate: named("certificate")?, key: named("key")? })
    };
    match document.get("issuer")?.get("previous")? {
        Item::ArrayOfTables(tables) => of(tables.iter().last()?),
        Item::Value(Value::Array(array)) => {
            Array::iter(array).last().and_then(Value::as_inline_table).and_then(|table| of(table))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(certificate: &str, key: &str) -> Pair {
        Pair { certificate: certificate.to_owned(), key: key.to_owned() }
    }

    #[test]
    fn the_old_authority_becomes_a_previous_one_and_everything_else_stays() {
        let text = "# Ours.\n[issuer]\ncertificate = \"ca.pem\"  # public\n# Secret!\nkey = 'ca.key'\n\
                    \n# Devices.\n[est]\nlisten = \"0.0.0.0:8443\"\n";
        let once = changed(text, &pair("ca-2.pem", "ca-2.key")).unwrap();
        assert_eq!(
            once,
            "# Ours.\n[issuer]\ncertificate = \"ca-2.pem\"  # public\n# Secret!\nkey = \"ca-2.key\"\n\
             \n[[issuer.previous]]\ncertificate = \"ca.pem\"\nkey = \"ca.key\"\n\
             \n# Devices.\n[est]\nlisten = \"0.0.0.0:8443\"\n"
        );
        let twice = changed(&once, &pair("ca-3.pem", "ca-3.key")).unwrap();
        let added = "\n[[issuer.previous]]\ncertificate = \"ca-2.pem\"\nkey = \"ca-2.key\"\n\n# Devices.";
        assert!(twice.contains(added), "{twice}");
        assert!(twice.contains("certificate = \"ca.pem\"\nkey = \"ca.key\"\n"), "{twice}");
    }

    #[test]
    fn other_ways_to_write_the_same_are_kept() {
        let new = pair("b", "b.key");
        let list = "[issuer]\ncertificate = \"a\"\nkey = \"k\"\nprevious = [{ certificate = \"0\" }]\n";
        assert!(changed(list, &new).unwrap().contains("{ certificate = \"a\", key = \"k\" }]"));
        for inline in [
            "issuer = { certificate = \"a\", key = \"k\" }\n",
            "issuer.certificate = \"a\"\nissuer.key = \"k\"\n",
        ] {
            match changed(inline, &new) {
                Ok(text) => assert_eq!(last_previous(&text), Some(pair("a", "k")), "{text}"),
                Err(error) => assert!(error.to_string().contains("cannot be edited"), "{error}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_edited_is_explained() {
        let new = pair("b", "b.key");
        for (text, said) in [
            ("[est]\n", "there is no [issuer] in it"),
            ("[issuer]\nkey = \"k\"\n", "does not name certificate and key"),
            ("[issuer]\ncertificate = \"a\"\nkey = \"k\"\nprevious = 3\n", "is no list"),
        ] {
            let error = changed(text, &new).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
