//! A SELECT's rows: tables, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT, UNION. Rows are bounded wherever they multiply. The group key is computed
//! again when a row is put into the temporary table, as MariaDB does it: that is why `FLOOR(RAND(0)*2)` finds its duplicate entry.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::error::SqlError;
use super::evaluate::{ColumnName, Engine, Scope, same_name};
use super::foreign::{Foreign, Found, kind_of};
use super::syntax::{Destination, Expression, Item, Join, Limit, Order, Query, Select, Source};
use super::value::{Value, fold, weight, weight_of_all};

/// Rows of a table, a join or a result.
const ROWS: usize = 2_000;
/// Columns of the same: MariaDB's own bound.
const COLUMNS: usize = 4_096;

/// A result: the names of its columns and its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<ColumnName>,
    pub(super) rows: Vec<Vec<Value>>,
}

type Aliases = Vec<(Vec<u8>, Value)>;

/// A row of the result and what it is sorted by.
struct Sorted {
    row: Vec<Value>,
    by: Vec<Value>,
}

impl Engine<'_> {
    /// The rows of a query.
    pub(super) fn rows(
        &mut self,
        query: &Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<Table, SqlError> {
        let mut table = self.select(&query.first, parent)?;
        for (all, select) in &query.unions {
            let next = self.select(select, parent)?;
            if next.columns.len() != table.columns.len() {
                return Err(SqlError::union_columns());
            }
            table.rows.extend(next.rows);
            if !all {
                self.distinct(&mut table.rows)?;
            }
            if table.rows.len() > ROWS {
                return Err(SqlError::interrupted());
            }
        }
        if !query.order.is_empty() {
            self.clause = "order clause";
            let mut sorted = Vec::new();
            for row in std::mem::take(&mut table.rows) {
                let scope = scope_of(&table.columns, &row, None, &[], parent);
                let by = self.sort_keys(&query.order, &row, &scope, table.columns.len())?;
                sorted.push(Sorted { row, by });
            }
            table.rows = self.sort(sorted, &query.order)?;
        }
        cut(&mut table.rows, query.limit);
        Ok(table)
    }

    fn distinct(&mut self, rows: &mut Vec<Vec<Value>>) -> Result<(), SqlError> {
        self.step(weight_of_all(rows))?;
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(key_of(row)));
        Ok(())
    }

    fn select(&mut self, select: &Select, parent: Option<&Scope<'_>>) -> Result<Table, SqlError> {
        if let Some(Destination::File(path)) = &select.into {
            return Err(self.server.refuse_file(path));
        }
        let mut source = self.source(select, parent)?;
        let columns = names(&select.items, &source.columns, self.server.foreign.as_deref())?;
        let mut sorted = if is_grouped(select) {
            self.grouped(select, &mut source, columns.len(), parent)?
        } else {
            self.plain(select, &source, columns.len(), parent)?
        };
        if select.distinct {
            self.step(sorted.iter().map(|sorted| 1 + weight(&sorted.row)).sum())?;
            let mut seen = HashSet::new();
            sorted.retain(|sorted| seen.insert(key_of(&sorted.row)));
        }
        let mut rows = self.sort(sorted, &select.order)?;
        cut(&mut rows, select.limit);
        self.clause = "procedure list";
        let empty = scope_of(&[], &[], None, &[], parent);
        for argument in &select.procedure {
            self.value(argument, &empty)?;
        }
        if matches!(select.into, Some(Destination::Variables)) {
            rows.clear();
        }
        Ok(Table { columns, rows })
    }

    /// The joined rows that WHERE lets through.
    fn source(&mut self, select: &Select, parent: Option<&Scope<'_>>) -> Result<Table, SqlError> {
        let mut source = Table { columns: Vec::new(), rows: vec![Vec::new()] };
        let last = select.from.len().saturating_sub(1);
        for (number, join) in select.from.iter().enumerate() {
            let filter = select.filter.as_ref().filter(|_| number == last);
            source = self.join(source, join, filter, parent)?;
        }
        if select.from.is_empty()
            && let Some(filter) = &select.filter
        {
            self.clause = "where clause";
            let scope = scope_of(&[], &[], None, &[], parent);
            if self.value(filter, &scope)?.truth() != Some(true) {
                source.rows.clear();
            }
        }
        Ok(source)
    }

    /// Puts another table's rows beside those there are. WHERE is looked at with the last one, so that rows which it refuses are never held.
    fn join(
        &mut self,
        before: Table,
        join: &Join,
        filter: Option<&Expression>,
        parent: Option<&Scope<'_>>,
    ) -> Result<Table, SqlError> {
        let next = self.table(&join.table, parent)?;
        let width = next.columns.len();
        let mut joined = Table { columns: before.columns, rows: Vec::new() };
        joined.columns.extend(next.columns);
        if joined.columns.len() > COLUMNS {
            return Err(SqlError::too_many_columns());
        }
        let weights: Vec<usize> = next.rows.iter().map(|row| weight(row)).collect();
        for left in &before.rows {
            let left_weight = weight(left);
            let mut alone = true;
            let empty = vec![Value::Null; width];
            let outer = join.outer.then_some(&empty);
            for (place, right) in next.rows.iter().chain(outer).enumerate() {
                let padding = place == next.rows.len();
                if padding && !alone {
                    break;
                }
                self.step(1 + left_weight + weights.get(place).copied().unwrap_or(width / 4))?;
                let row: Vec<Value> = left.iter().chain(right).cloned().collect();
                let scope = scope_of(&joined.columns, &row, None, &[], parent);
                if let Some(on) = join.on.as_ref().filter(|_| !padding) {
                    self.clause = "on clause";
                    if self.value(on, &scope)?.truth() != Some(true) {
                        continue;
                    }
                }
                alone = false;
                if let Some(filter) = filter {
                    self.clause = "where clause";
                    if self.value(filter, &scope)?.truth() != Some(true) {
                        continue;
                    }
                }
                joined.rows.push(row);
                if joined.rows.len() > ROWS {
                    return Err(SqlError::interrupted());
                }
            }
        }
        if before.rows.is_empty() || next.rows.is_empty() {
            // Names are checked although no row asks for them.
            self.check_names(filter, &joined.columns, parent)?;
        }
        Ok(joined)
    }

    fn check_names(
        &mut self,
        filter: Option<&Expression>,
        columns: &[ColumnName],
        parent: Option<&Scope<'_>>,
    ) -> Result<(), SqlError> {
        let row = vec![Value::Null; columns.len()];
        let scope = scope_of(columns, &row, None, &[], parent);
        let slept = self.slept;
        self.clause = "where clause";
        if let Some(filter) = filter
            && let Err(error) = self.value(filter, &scope)
            && error.number == 1054
        {
            return Err(error);
        }
        self.slept = slept;
        Ok(())
    }

    fn table(&mut self, source: &Source, parent: Option<&Scope<'_>>) -> Result<Table, SqlError> {
        match source {
            Source::Derived { query, alias } => {
                // A derived table sees no row of the SELECT that it stands in.
                let clause = self.clause;
                self.clause = "field list";
                let mut table = self.rows(query, parent.and_then(|scope| scope.parent))?;
                self.clause = clause;
                self.step(table.columns.len())?;
                let mut seen = HashSet::new();
                for column in &table.columns {
                    if !seen.insert(fold(&column.name)) {
                        let start = b"Duplicate column name '";
                        return Err(SqlError::new(1060, [&start[..], &column.name, b"'"].concat()));
                    }
                }
                table.columns.iter_mut().for_each(|column| column.table.clone_from(alias));
                Ok(table)
            }
            Source::Table { database, name, alias } => {
                if database.is_none() && name.eq_ignore_ascii_case(b"dual") {
                    return Ok(Table { columns: Vec::new(), rows: vec![Vec::new()] });
                }
                let Some(foreign) = &self.server.foreign else {
                    let (names, rows) = self.server.table(database.as_deref(), name)?;
                    self.step(weight_of_all(&rows))?;
                    let named =
                        |name| ColumnName { table: alias.clone(), name, kind: Cow::default() };
                    return Ok(Table { columns: names.into_iter().map(named).collect(), rows });
                };
                let found = foreign.table(database.as_deref(), name)?;
                self.step(weight_of_all(&found.rows))?;
                Ok(table_of(found, alias, &[]))
            }
            Source::Called { call, alias, names } => {
                let scope = scope_of(&[], &[], None, &[], parent);
                let mut values = Vec::new();
                for argument in &call.arguments {
                    values.push(self.value(argument, &scope)?);
                }
                let rows = self
                    .server
                    .foreign
                    .as_ref()
                    .and_then(|foreign| foreign.rows(&call.name, &values));
                let found = match rows {
                    Some(found) => found?,
                    // Any other function is a table of one row.
                    None => Found {
                        columns: vec![(call.name.clone(), Cow::default())],
                        rows: vec![vec![super::functions::call(self, call, &scope)?]],
                    },
                };
                self.step(weight_of_all(&found.rows))?;
                Ok(table_of(found, alias, names))
            }
        }
    }

    fn plain(
        &mut self,
        select: &Select,
        source: &Table,
        width: usize,
        parent: Option<&Scope<'_>>,
    ) -> Result<Vec<Sorted>, SqlError> {
        let mut sorted = Vec::new();
        // Without an order the rows past the limit are never looked at.
        let enough = match (select.order.is_empty(), select.distinct, select.limit) {
            (true, false, Some(limit)) if select.having.is_none() => {
                limit.offset.saturating_add(limit.count)
            }
            _ => usize::MAX,
        };
        for row in source.rows.iter().take(enough) {
            let scope = scope_of(&source.columns, row, None, &[], parent);
            sorted.extend(self.result_row(select, source, row, scope, width)?);
        }
        if source.rows.is_empty() {
            self.check_select(select, source, width, parent)?;
        }
        Ok(sorted)
    }

    /// The row of the result that a row, or the first of a group, becomes; none where HAVING leaves it out.
    fn result_row(
        &mut self,
        select: &Select,
        source: &Table,
        row: &[Value],
        scope: Scope<'_>,
        width: usize,
    ) -> Result<Option<Sorted>, SqlError> {
        let (values, aliases) = self.items(select, source, row, &scope)?;
        let scope = Scope { aliases: &aliases, ..scope };
        if let Some(having) = &select.having {
            self.clause = "having clause";
            if self.value(having, &scope)?.truth() != Some(true) {
                return Ok(None);
            }
        }
        let by = self.sort_keys(&select.order, &values, &scope, width)?;
        Ok(Some(Sorted { row: values, by }))
    }

    /// Names and columns of ORDER BY are wrong also where there is no row.
    fn check_select(
        &mut self,
        select: &Select,
        source: &Table,
        width: usize,
        parent: Option<&Scope<'_>>,
    ) -> Result<(), SqlError> {
        let row = vec![Value::Null; source.columns.len()];
        let scope = scope_of(&source.columns, &row, None, &[], parent);
        let slept = self.slept;
        let checked = self.items(select, source, &row, &scope).and_then(|(values, aliases)| {
            let scope = Scope { aliases: &aliases, ..scope };
            self.sort_keys(&select.order, &values, &scope, width)
        });
        self.slept = slept;
        match checked {
            Err(error) if error.number == 1054 => Err(error),
            _ => Ok(()),
        }
    }

    fn items(
        &mut self,
        select: &Select,
        source: &Table,
        row: &[Value],
        scope: &Scope<'_>,
    ) -> Result<(Vec<Value>, Aliases), SqlError> {
        let (mut values, mut aliases) = (Vec::new(), Vec::new());
        for item in &select.items {
            match item {
                Item::All(of) => {
                    self.step(weight(row))?;
                    let wanted = source.columns.iter().zip(row).filter(|(column, _)| {
                        of.as_ref().is_none_or(|table| same_name(&column.table, table))
                    });
                    values.extend(wanted.map(|(_, value)| value.clone()));
                }
                Item::Value { value, name } => {
                    self.clause = "field list";
                    let value = self.value(value, scope)?;
                    self.step(value.size() / 256)?;
                    aliases.push((name.clone(), value.clone()));
                    values.push(value);
                }
            }
        }
        Ok((values, aliases))
    }

    fn sort_keys(
        &mut self,
        order: &[Order],
        values: &[Value],
        scope: &Scope<'_>,
        width: usize,
    ) -> Result<Vec<Value>, SqlError> {
        self.clause = "order clause";
        let mut keys = Vec::new();
        for Order { by, .. } in order {
            keys.push(match by {
                // A number is a column's place.
                Expression::Value(Value::Integer(place)) => {
                    let at = usize::try_from(*place).ok().filter(|at| (1..=width).contains(at));
                    match at {
                        Some(at) => {
                            let value = values.get(at - 1).cloned().unwrap_or(Value::Null);
                            self.step(value.size() / 256)?;
                            value
                        }
                        None => {
                            let name = place.to_string();
                            return Err(SqlError::unknown_column(name.as_bytes(), "order clause"));
                        }
                    }
                }
                other => self.value(other, scope)?,
            });
        }
        Ok(keys)
    }

    fn grouped(
        &mut self,
        select: &Select,
        source: &mut Table,
        width: usize,
        parent: Option<&Scope<'_>>,
    ) -> Result<Vec<Sorted>, SqlError> {
        let rows = std::mem::take(&mut source.rows);
        let source = &*source;
        let groups = self.groups(select, source, rows, parent)?;
        let mut sorted = Vec::new();
        for rows in groups {
            let none = vec![Value::Null; source.columns.len()];
            let first = rows.first().unwrap_or(&none);
            let scope = scope_of(&source.columns, first, Some(&rows), &[], parent);
            sorted.extend(self.result_row(select, source, first, scope, width)?);
        }
        Ok(sorted)
    }

    fn groups(
        &mut self,
        select: &Select,
        source: &Table,
        rows: Vec<Vec<Value>>,
        parent: Option<&Scope<'_>>,
    ) -> Result<Vec<Vec<Vec<Value>>>, SqlError> {
        if select.group.is_empty() {
            return Ok(vec![rows]);
        }
        self.step(select.group.len() * (source.columns.len() + select.items.len()) / 16)?;
        let by: Vec<&Expression> =
            select.group.iter().map(|by| meant(by, select, source)).collect();
        let mut groups: Vec<Vec<Vec<Value>>> = Vec::new();
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        for row in rows {
            let scope = scope_of(&source.columns, &row, None, &[], parent);
            let values = self.group_key(&by, &scope)?;
            if let Some(place) = places.get(&key_of(&values)) {
                groups[*place].push(row);
                continue;
            }
            let values = self.group_key(&by, &scope)?;
            let shown: Vec<Vec<u8>> = values.iter().map(Value::bytes).collect();
            if places.insert(key_of(&values), groups.len()).is_some() {
                return Err(SqlError::duplicate(&shown.join(&b"-"[..])));
            }
            groups.push(vec![row]);
        }
        Ok(groups)
    }

    fn group_key(&mut self, by: &[&Expression], scope: &Scope<'_>) -> Result<Vec<Value>, SqlError> {
        let mut key = Vec::new();
        for by in by {
            self.clause = "group statement";
            let value = self.value(by, scope)?;
            self.step(value.size() / 256)?;
            key.push(value);
        }
        Ok(key)
    }

    /// Sorts rows by what was found for each; every row is compared as often as the binary logarithm of their number.
    fn sort(
        &mut self,
        mut rows: Vec<Sorted>,
        order: &[Order],
    ) -> Result<Vec<Vec<Value>>, SqlError> {
        if !order.is_empty() {
            let weight: usize = rows.iter().map(|sorted| 1 + weight(&sorted.by)).sum();
            let rounds = usize::BITS - rows.len().leading_zeros();
            self.step(weight.saturating_mul(usize::try_from(rounds).unwrap_or(1)) / 4)?;
            rows.sort_by(|one, other| {
                let pairs = one.by.iter().zip(&other.by).zip(order);
                pairs.fold(std::cmp::Ordering::Equal, |all, ((a, b), order)| {
                    let ordered = a.order(b);
                    all.then(if order.descending { ordered.reverse() } else { ordered })
                })
            });
        }
        Ok(rows.into_iter().map(|sorted| sorted.row).collect())
    }
}

/// What GROUP BY names: an item by its place or its name, where no column has that name.
fn meant<'a>(by: &'a Expression, select: &'a Select, source: &Table) -> &'a Expression {
    let named = |wanted: &[u8]| {
        select.items.iter().find_map(|item| match item {
            Item::Value { value, name } if same_name(name, wanted) => Some(value),
            _ => None,
        })
    };
    match by {
        Expression::Value(Value::Integer(place)) => {
            let at = usize::try_from(*place).ok().and_then(|place| place.checked_sub(1));
            match at.and_then(|at| select.items.get(at)) {
                Some(Item::Value { value, .. }) => value,
                _ => by,
            }
        }
        Expression::Column { table: None, name }
            if !source.columns.iter().any(|column| same_name(&column.name, name)) =>
        {
            named(name).unwrap_or(by)
        }
        _ => by,
    }
}

fn is_grouped(select: &Select) -> bool {
    let item = |item: &Item| matches!(item, Item::Value { value, .. } if value.aggregates());
    !select.group.is_empty()
        || select.items.iter().any(item)
        || select.having.as_ref().is_some_and(Expression::aggregates)
}

fn names(
    items: &[Item],
    columns: &[ColumnName],
    foreign: Option<&dyn Foreign>,
) -> Result<Vec<ColumnName>, SqlError> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::All(of) => {
                let wanted = columns.iter().filter(|column| {
                    of.as_ref().is_none_or(|table| same_name(&column.table, table))
                });
                let before = found.len();
                found.extend(wanted.cloned());
                if found.len() == before {
                    return Err(match of {
                        Some(table) => {
                            SqlError::new(1051, [b"Unknown table '", &table[..], b"'"].concat())
                        }
                        None => SqlError::new(1096, "No tables used"),
                    });
                }
            }
            Item::Value { name, value } => {
                let kind = foreign.map(|foreign| kind_of(value, columns, foreign));
                let kind = kind.unwrap_or_default();
                found.push(ColumnName { table: Vec::new(), name: name.clone(), kind });
            }
        }
        if found.len() > COLUMNS {
            return Err(SqlError::too_many_columns());
        }
    }
    Ok(found)
}

/// A table of another product's, or of a function, under its alias.
fn table_of(found: Found, alias: &[u8], names: &[Vec<u8>]) -> Table {
    let columns = found.columns.into_iter().enumerate().map(|(at, (name, kind))| {
        // A function's only column has the alias's name.
        let name = names.get(at).cloned().unwrap_or(name);
        ColumnName { table: alias.to_vec(), name, kind }
    });
    Table { columns: columns.collect(), rows: found.rows }
}

fn scope_of<'s>(
    columns: &'s [ColumnName],
    row: &'s [Value],
    group: Option<&'s [Vec<Value>]>,
    aliases: &'s [(Vec<u8>, Value)],
    parent: Option<&'s Scope<'s>>,
) -> Scope<'s> {
    Scope { columns, row, group, aliases, parent, level: parent.map_or(1, |scope| scope.level + 1) }
}

fn key_of(row: &[Value]) -> Vec<u8> {
    let mut key = Vec::new();
    for value in row {
        let part = value.key();
        key.extend(part.len().to_be_bytes());
        key.extend(part);
    }
    key
}

fn cut(rows: &mut Vec<Vec<Value>>, limit: Option<Limit>) {
    if let Some(limit) = limit {
        rows.drain(..limit.offset.min(rows.len()));
        rows.truncate(limit.count);
    }
}
