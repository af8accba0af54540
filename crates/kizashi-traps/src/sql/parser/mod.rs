//! Words to a SELECT, by recursive descent (MariaDB's `sql_yacc.yy`, as far as a SELECT uses it). What it does not know is a syntax error in
//! the server's own words, at the word that the server would name.

mod expression;
mod postgres;

use super::error::SqlError;
use super::foreign::Dialect;
use super::lexer::{Kind, Lexer, Word};
use super::syntax::{
    Destination, Expression, Inner, Item, Join, Limit, Order, Query, Select, Source,
};

/// How deep expressions and SELECTs stand in one another.
const DEPTH: usize = 60;

/// Words that cannot be a name without backquotes, as far as it matters here.
const RESERVED: [&str; 62] = [
    "all",
    "and",
    "as",
    "asc",
    "between",
    "binary",
    "by",
    "case",
    "collate",
    "convert",
    "cross",
    "desc",
    "distinct",
    "div",
    "else",
    "exists",
    "false",
    "for",
    "from",
    "group",
    "having",
    "in",
    "inner",
    "interval",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "lock",
    "mod",
    "natural",
    "not",
    "null",
    "on",
    "or",
    "order",
    "outer",
    "procedure",
    "regexp",
    "right",
    "rlike",
    "select",
    "separator",
    "straight_join",
    "table",
    "then",
    "true",
    "union",
    "using",
    "when",
    "where",
    "with",
    "xor",
    "insert",
    "update",
    "delete",
    "drop",
    "set",
    "values",
    "create",
];

pub(super) struct Parser<'a> {
    query: &'a [u8],
    words: Vec<Word>,
    at: usize,
    /// How deep the parser itself is, and how deep the tree made last is.
    depth: usize,
    height: usize,
    /// Numbers what must be told apart: SELECTs in brackets and calls.
    numbered: usize,
    postgres: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn parse(
        query: &'a [u8],
        version: u32,
        dialect: Dialect,
    ) -> Result<Query, SqlError> {
        let words = Lexer::new(query, version, dialect).words()?;
        let postgres = dialect == Dialect::PostgreSql;
        let mut parser = Self { query, words, at: 0, depth: 0, height: 0, numbered: 0, postgres };
        let parsed = parser.query()?;
        parser.takes_sign(";");
        // A second statement is refused where it begins: PHP's mysqli_query sends one.
        match parser.kind() {
            Kind::End => Ok(parsed),
            _ => parser.broken(),
        }
    }

    fn kind(&self) -> &Kind {
        self.words.get(self.at).map_or(&Kind::End, |word| &word.kind)
    }

    fn kind_after(&self, ahead: usize) -> &Kind {
        self.words.get(self.at + ahead).map_or(&Kind::End, |word| &word.kind)
    }

    fn broken<T>(&self) -> Result<T, SqlError> {
        let at = self.words.get(self.at).map_or(self.query.len(), |word| word.at);
        Err(SqlError::syntax(self.query, at))
    }

    const fn number(&mut self) -> usize {
        self.numbered += 1;
        self.numbered
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), Kind::Sign(found) if *found == sign)
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn needs_sign(&mut self, sign: &str) -> Result<(), SqlError> {
        if self.takes_sign(sign) { Ok(()) } else { self.broken() }
    }

    fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.kind_after(ahead), Kind::Name { text, quoted: false } if text.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn needs_word(&mut self, word: &str) -> Result<(), SqlError> {
        if self.takes_word(word) { Ok(()) } else { self.broken() }
    }

    fn is_reserved(&self) -> bool {
        matches!(self.kind(), Kind::Name { text, quoted: false }
            if RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes())))
    }

    fn name(&mut self) -> Result<Vec<u8>, SqlError> {
        match self.kind() {
            Kind::Name { text, .. } if !self.is_reserved() => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.broken(),
        }
    }

    fn deeper(&mut self) -> Result<(), SqlError> {
        self.depth += 1;
        if self.depth > DEPTH { Err(SqlError::too_deep()) } else { Ok(()) }
    }

    pub(super) fn query(&mut self) -> Result<Query, SqlError> {
        self.deeper()?;
        let first = self.select()?;
        let mut query = Query { first, unions: Vec::new(), order: Vec::new(), limit: None };
        while self.takes_word("union") {
            let last = query.unions.last().map_or(&query.first, |(_, select)| select);
            if !last.order.is_empty() || last.limit.is_some() {
                // ORDER BY and LIMIT of a SELECT that is followed by UNION need brackets around it.
                self.at -= 1;
                return self.broken();
            }
            let all = self.takes_word("all");
            if !all {
                self.takes_word("distinct");
            }
            query.unions.push((all, self.select()?));
            if query.unions.len() > 20 {
                return Err(SqlError::too_deep());
            }
        }
        if let Some((_, last)) = query.unions.last_mut() {
            query.order = std::mem::take(&mut last.order);
            query.limit = last.limit.take();
        }
        self.depth -= 1;
        Ok(query)
    }

    fn select(&mut self) -> Result<Select, SqlError> {
        if self.is_sign("(")
            && (self.is_word_at(1, "select") || matches!(self.kind_after(1), Kind::Sign("(")))
        {
            self.at += 1;
            self.deeper()?;
            let mut select = self.select()?;
            self.depth -= 1;
            self.needs_sign(")")?;
            self.tail(&mut select)?;
            return Ok(select);
        }
        self.needs_word("select")?;
        let mut select = Select::default();
        loop {
            if self.takes_word("distinct") || self.takes_word("distinctrow") {
                select.distinct = true;
            } else if !["all", "sql_no_cache", "sql_cache", "high_priority", "sql_calc_found_rows"]
                .iter()
                .any(|word| self.takes_word(word))
            {
                break;
            }
        }
        loop {
            let item = self.item()?;
            select.items.push(item);
            if select.items.len() > 200 {
                return Err(SqlError::too_deep());
            }
            if !self.takes_sign(",") {
                break;
            }
        }
        self.destination(&mut select)?;
        if self.takes_word("from") {
            select.from = self.from()?;
        }
        self.tail(&mut select)?;
        Ok(select)
    }

    fn item(&mut self) -> Result<Item, SqlError> {
        if self.takes_sign("*") {
            return Ok(Item::All(None));
        }
        if let (Kind::Name { text, .. }, Kind::Sign("."), Kind::Sign("*")) =
            (self.kind(), self.kind_after(1), self.kind_after(2))
        {
            let table = text.clone();
            self.at += 3;
            return Ok(Item::All(Some(table)));
        }
        let start = self.words.get(self.at).map_or(0, |word| word.at);
        let value = self.expression()?;
        let end = self.words.get(self.at).map_or(self.query.len(), |word| word.at);
        let name = match (self.alias(true)?, &value) {
            (Some(alias), _) => alias,
            (None, Expression::Column { name, .. }) => name.clone(),
            (None, value) if self.postgres => Self::column_name(value),
            (None, _) => self.query[start..end].trim_ascii().to_vec(),
        };
        Ok(Item::Value { value, name })
    }

    /// `AS name`, or a name alone.
    fn alias(&mut self, may_be_text: bool) -> Result<Option<Vec<u8>>, SqlError> {
        let named = self.takes_word("as");
        match self.kind() {
            Kind::Text(text) if may_be_text => {
                let text = text.clone();
                self.at += 1;
                Ok(Some(text))
            }
            Kind::Name { quoted: false, .. }
                if self.postgres && postgres::NO_ALIAS.iter().any(|word| self.is_word(word)) =>
            {
                Ok(None)
            }
            Kind::Name { .. } if named && self.postgres || !self.is_reserved() => self.any_word(),
            _ if named => self.broken(),
            _ => Ok(None),
        }
    }

    fn from(&mut self) -> Result<Vec<Join>, SqlError> {
        let mut joins = vec![Join { table: self.source()?, outer: false, on: None }];
        loop {
            let mut outer = false;
            if self.takes_sign(",") {
            } else if self.is_word("left") || self.is_word("right") {
                self.at += 1;
                self.takes_word("outer");
                self.needs_word("join")?;
                outer = true;
            } else {
                let word = self.takes_word("inner")
                    || self.takes_word("cross")
                    || self.takes_word("natural");
                if !self.takes_word("join") && !self.takes_word("straight_join") {
                    if word {
                        return self.broken();
                    }
                    return Ok(joins);
                }
            }
            let table = self.source()?;
            let on = if self.takes_word("on") { Some(self.expression()?) } else { None };
            joins.push(Join { table, outer, on });
            if joins.len() > 8 {
                return Err(SqlError::new(
                    1116,
                    "Too many tables; MariaDB can only use 61 tables in a join",
                ));
            }
        }
    }

    fn source(&mut self) -> Result<Source, SqlError> {
        if self.takes_sign("(") {
            let query = Box::new(self.query()?);
            self.needs_sign(")")?;
            return match self.alias(false)? {
                Some(alias) => Ok(Source::Derived { query, alias }),
                None => Err(SqlError::new(1248, "Every derived table must have its own alias")),
            };
        }
        if self.postgres {
            self.takes_word("only");
            self.takes_word("lateral");
        }
        let mut name = self.name()?;
        let mut database = None;
        if self.takes_sign(".") {
            database = Some(name);
            name = match self.kind() {
                Kind::Name { text, .. } => text.clone(),
                _ => return self.broken(),
            };
            self.at += 1;
        }
        if self.postgres && self.is_sign("(") {
            return self.called(name);
        }
        let alias = self.alias(false)?.unwrap_or_else(|| name.clone());
        Ok(Source::Table { database, name, alias })
    }

    /// A function in the place of a table.
    fn called(&mut self, name: Vec<u8>) -> Result<Source, SqlError> {
        self.at += 1;
        let arguments = if self.is_sign(")") { Vec::new() } else { self.list()? };
        self.needs_sign(")")?;
        let alias = self.alias(false)?.unwrap_or_else(|| name.clone());
        let mut names = Vec::new();
        if self.takes_sign("(") {
            loop {
                names.push(self.name()?);
                if !matches!(self.kind(), Kind::Sign("," | ")")) {
                    self.type_name()?;
                }
                if !self.takes_sign(",") {
                    break;
                }
            }
            self.needs_sign(")")?;
        }
        match self.call(name, arguments) {
            Expression::Call(call) => Ok(Source::Called { call, alias, names }),
            _ => self.broken(),
        }
    }

    /// The word that stands here, whatever it is.
    fn any_word(&mut self) -> Result<Option<Vec<u8>>, SqlError> {
        let Kind::Name { text, .. } = self.kind() else { return self.broken() };
        let text = text.clone();
        self.at += 1;
        Ok(Some(text))
    }

    /// WHERE and what follows it.
    fn tail(&mut self, select: &mut Select) -> Result<(), SqlError> {
        if self.takes_word("where") {
            select.filter = Some(self.expression()?);
        }
        if self.is_word("group") {
            self.at += 1;
            self.needs_word("by")?;
            loop {
                select.group.push(self.expression()?);
                let _ = self.takes_word("asc") || self.takes_word("desc");
                if !self.takes_sign(",") {
                    break;
                }
            }
            if self.takes_word("with") {
                self.needs_word("rollup")?;
            }
        }
        if self.takes_word("having") {
            select.having = Some(self.expression()?);
        }
        if self.is_word("order") {
            select.order = self.order()?;
        }
        if self.takes_word("limit") {
            select.limit = Some(self.limit()?);
        }
        if self.postgres && self.takes_word("offset") {
            let offset = self.count()?;
            let limited = self.takes_word("limit");
            let count = match (select.limit, limited) {
                (_, true) => self.count()?,
                (limit, false) => limit.map_or(usize::MAX, |limit| limit.count),
            };
            select.limit = Some(Limit { offset, count });
        }
        if self.takes_word("procedure") {
            self.needs_word("analyse")?;
            self.needs_sign("(")?;
            while !self.takes_sign(")") {
                select.procedure.push(self.expression()?);
                self.takes_sign(",");
            }
        }
        self.destination(select)?;
        if self.takes_word("for") {
            self.needs_word("update")?;
        } else if self.takes_word("lock") {
            for word in ["in", "share", "mode"] {
                self.needs_word(word)?;
            }
        }
        Ok(())
    }

    fn order(&mut self) -> Result<Vec<Order>, SqlError> {
        self.needs_word("order")?;
        self.needs_word("by")?;
        let mut list = Vec::new();
        loop {
            let by = self.expression()?;
            let descending = self.takes_word("desc");
            if !descending {
                self.takes_word("asc");
            }
            list.push(Order { by, descending });
            if !self.takes_sign(",") {
                return Ok(list);
            }
        }
    }

    fn limit(&mut self) -> Result<Limit, SqlError> {
        if self.postgres && (self.takes_word("all") || self.takes_word("null")) {
            return Ok(Limit { offset: 0, count: usize::MAX });
        }
        let first = self.count()?;
        if self.takes_sign(",") {
            return Ok(Limit { offset: first, count: self.count()? });
        }
        let offset = if self.takes_word("offset") { self.count()? } else { 0 };
        Ok(Limit { offset, count: first })
    }

    fn count(&mut self) -> Result<usize, SqlError> {
        let Kind::Integer(number) = self.kind() else { return self.broken() };
        let number = usize::try_from(*number).unwrap_or(usize::MAX);
        self.at += 1;
        Ok(number)
    }

    fn destination(&mut self, select: &mut Select) -> Result<(), SqlError> {
        if !self.takes_word("into") {
            return Ok(());
        }
        if self.takes_word("outfile") || self.takes_word("dumpfile") {
            let Kind::Text(path) = self.kind() else { return self.broken() };
            select.into = Some(Destination::File(path.clone()));
            self.at += 1;
            // FIELDS and LINES with their marks: what matters is who wanted which file.
            while matches!(self.kind(), Kind::Text(_) | Kind::Hex(_))
                || [
                    "fields",
                    "columns",
                    "lines",
                    "terminated",
                    "enclosed",
                    "escaped",
                    "optionally",
                    "starting",
                    "by",
                    "character",
                    "set",
                    "utf8",
                ]
                .iter()
                .any(|word| self.is_word(word))
            {
                self.at += 1;
            }
            return Ok(());
        }
        while let Kind::UserVariable(_) = self.kind() {
            self.at += 1;
            select.into = Some(Destination::Variables);
            if !self.takes_sign(",") {
                return Ok(());
            }
        }
        self.broken()
    }

    fn inner(&mut self) -> Result<Inner, SqlError> {
        let number = self.number();
        Ok(Inner { number, query: Box::new(self.query()?) })
    }
}
