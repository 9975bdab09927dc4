//! How a database would carry out a statement: what each says in its own way, made comparable.

use serde_json::Value;
use tests::Backend;

/// A plan, as far as it costs.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Each way into a table: by which index, and which of its columns the search is bound by.
    pub(crate) lookups: Vec<Lookup>,
    /// MariaDB looked a unique key up while it made the plan, and found nothing; it does not say
    /// which.
    pub(crate) no_such_key: bool,
    /// Tables of the ledger that are read from end to end.
    pub(crate) scans: Vec<String>,
    /// Whether rows are sorted that were read straight from a table.
    pub(crate) sorts_rows: bool,
    /// Whether the rows of several branches, each of a page at most, are sorted.
    pub(crate) sorts_branches: bool,
}

/// A way into a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lookup {
    /// The index; `PRIMARY` for the primary key.
    pub(crate) index: String,
    /// The columns by which the search is bound.
    pub(crate) columns: Vec<String>,
}

/// An index, and the columns that bound the search.
pub(crate) type Expected = (&'static str, &'static [&'static str]);

impl Lookup {
    pub(crate) fn of((index, columns): &Expected) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { index: (*index).to_owned(), columns }
    }
}

impl Plan {
    /// Reads what the database said.
    pub(crate) fn read(backend: Backend, said: &[String]) -> Self {
        let mut plan = Self::default();
        match backend {
            Backend::Sqlite => plan.read_sqlite(said),
            Backend::Postgres => plan.read_postgres(&document(said)[0]["Plan"]),
            Backend::MariaDb => plan.read_mariadb(&document(said), false),
        }
        plan.lookups.sort();
        plan
    }

    fn read_sqlite(&mut self, lines: &[String]) {
        let branches = lines.iter().any(|line| line.contains("UNION ALL") || line.contains("COMPOUND"));
        for line in lines {
            if let Some(search) = line.strip_prefix("SEARCH ") {
                let (how, bounds) = search.split_once(" (").expect("a search has bounds");
                let index = match how.split_once(" INDEX ") {
                    Some((_, index)) if !index.starts_with("sqlite_autoindex") => index.to_owned(),
                    _ => "PRIMARY".to_owned(),
                };
                self.lookups.push(Lookup { index, columns: columns_in(bounds) });
            } else if let Some(table) = line.strip_prefix("SCAN ") {
                if !table.starts_with("branch_") && table != "batch" {
                    self.scans.push(table.to_owned());
                }
            } else if line.starts_with("USE TEMP B-TREE") {
                self.sorts_branches |= branches;
                self.sorts_rows |= !branches;
            }
        }
    }

    fn read_postgres(&mut self, node: &Value) {
        let kind = node["Node Type"].as_str().expect("a node has a type");
        let children = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
        match kind {
            "Index Scan" | "Index Only Scan" => {
                let index = node["Index Name"].as_str().expect("an index has a name");
                let index = if index.ends_with("_pkey") { "PRIMARY" } else { index };
                let bounds = node["Index Cond"].as_str().expect("an index scan has bounds");
                self.lookups.push(Lookup { index: index.to_owned(), columns: columns_in(bounds) });
            }
            "Sort" | "Incremental Sort" => {
                let over_branches = children.iter().any(|child| child["Node Type"] == "Append");
                self.sorts_branches |= over_branches;
                self.sorts_rows |= !over_branches;
            }
            // The values of a statement are no table.
            kind if kind.ends_with("Scan") && kind != "Subquery Scan" && kind != "Values Scan" => {
                self.scans.push(format!("{kind} of {}", node["Relation Name"]));
            }
            _ => (),
        }
        for child in children {
            self.read_postgres(child);
        }
    }

    fn read_mariadb(&mut self, node: &Value, sorted: bool) {
        match node {
            Value::Array(nodes) => nodes.iter().for_each(|node| self.read_mariadb(node, sorted)),
            Value::Object(fields) => {
                let message = fields.get("message").and_then(Value::as_str).unwrap_or_default();
                self.no_such_key |= message.contains("after reading const tables");
                if let Some(access) = fields.get("access_type") {
                    self.read_mariadb_table(node, access.as_str().expect("an access has a type"), sorted);
                }
                for (name, field) in fields {
                    let branches = fields.contains_key("union_result");
                    let sorts = ["filesort", "temporary_table", "read_sorted_file"].contains(&name.as_str());
                    self.sorts_branches |= branches && sorts;
                    self.read_mariadb(
                        field,
                        (sorted || sorts) && name != "materialized" && name != "query_specifications",
                    );
                }
            }
            _ => (),
        }
    }

    fn read_mariadb_table(&mut self, table: &Value, access: &str, sorted: bool) {
        let name = table["table_name"].as_str().expect("a table has a name");
        if name.starts_with('<') || name.starts_with("branch_") || name == "batch" {
            self.sorts_branches |= sorted;
            return;
        }
        self.sorts_rows |= sorted;
        match (access, table["key"].as_str()) {
            ("const" | "eq_ref" | "ref" | "range", Some(index)) => {
                let columns = table["used_key_parts"].as_array().map(Vec::as_slice).unwrap_or_default();
                let columns = columns.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                self.lookups.push(Lookup { index: index.to_owned(), columns });
            }
            _ => self.scans.push(format!("{access} of {name}")),
        }
    }
}

fn document(said: &[String]) -> Value {
    // MariaDB shows the octets of a UUID in a way that JSON does not know.
    let mut text = String::new();
    let said = said.iter().flat_map(|line| line.chars());
    let mut said = said.map(|c| if c.is_control() { ' ' } else { c }).peekable();
    while let Some(c) = said.next() {
        if c != '\\' || said.peek().is_some_and(|next| "\"\\/bfnrtu".contains(*next)) {
            text.push(c);
        }
        if c == '\\'
            && let Some(next) = said.next()
        {
            text.push(next);
        }
    }
    serde_json::from_str(&text).expect("the plan is a JSON document")
}

/// The columns that bounds name, such as `(org_id=? AND id<?)` or `(ROW(org_id, id) >= ROW($1, $2))`,
/// each once.
fn columns_in(bounds: &str) -> Vec<String> {
    // What stands between quotes is a value.
    let names =
        bounds.split('\'').step_by(2).flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let mut columns: Vec<String> = Vec::new();
    for name in names.filter(|name| COLUMNS.contains(name)) {
        if !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    columns
}

/// The columns of all indexes.
const COLUMNS: [&str; 23] = [
    "org_id",
    "id",
    "device_id",
    "attempt_id",
    "stage",
    "event_type",
    "reason",
    "csr_sha256",
    "request_id",
    "presented_serial",
    "serial",
    "secret_sha256",
    "not_after",
    "revoked_at",
    "public_key_sha256",
    "issuer_key_sha256",
    "subject_id",
    "subject_kind",
    "kind",
    "target_kind",
    "target_id",
    "action_id",
    "made_by_token_id",
];
