//! Groups, conditions, loops, choices.

use super::super::ast::{Arm, Compound, List, Test, Word};
use super::super::pattern::Pattern;
use super::super::{Boxed, Flow, Shell, Unwind};
use crate::machine::commands::meter::Meter;
use crate::machine::commands::regex::Regex;

/// What a loop does after its body.
pub(super) enum Next {
    Round,
    Out(u8),
}

impl Shell {
    pub(super) async fn compound(&mut self, compound: &Compound) -> Flow {
        match compound {
            Compound::Group(list) => self.list(list).await,
            Compound::Subshell(list) => {
                if !self.may_nest() {
                    return Ok(254);
                }
                let mut child = self.child();
                let flow = child.list(list).await;
                let flow = child.leave(flow).await;
                self.know_window(false);
                self.child_status(flow)
            }
            Compound::If { branches, otherwise } => {
                self.branches(branches, otherwise.as_ref()).await
            }
            Compound::Loop { until, condition, body } => self.looped(*until, condition, body).await,
            Compound::For { name, words, body } => {
                self.for_each(name, words.as_deref(), body).await
            }
            Compound::Coprocess { name, command } => self.coprocess(name, command),
            Compound::Select { name, words, body } => {
                self.select(name, words.as_deref(), body).await
            }
            Compound::Count { header, body } => self.count(header, body).await,
            Compound::Case { word, arms } => self.case(word, arms).await,
            Compound::Arithmetic(word) => {
                let text = self.text(word).await?;
                Ok(u8::from(self.arithmetic(&text)? == 0))
            }
            Compound::Test(test) => self.test(test).await.map(|holds| u8::from(!holds)),
        }
    }

    async fn condition(&mut self, list: &List) -> Flow {
        self.conditions += 1;
        let flow = self.list(list).await;
        self.conditions -= 1;
        flow
    }

    async fn branches(&mut self, branches: &[(List, List)], otherwise: Option<&List>) -> Flow {
        for (condition, body) in branches {
            if self.condition(condition).await? == 0 {
                return self.list(body).await;
            }
        }
        match otherwise {
            Some(list) => self.list(list).await,
            None => Ok(0),
        }
    }

    /// A loop's body, once.
    pub(super) async fn round(&mut self, body: &List) -> Result<Next, Unwind> {
        self.step().await?;
        self.loops += 1;
        let flow = self.list(body).await;
        self.loops -= 1;
        self.after_round(flow)
    }

    fn after_round(&self, flow: Flow) -> Result<Next, Unwind> {
        match flow {
            Ok(_) | Err(Unwind::Continue(0 | 1)) => Ok(Next::Round),
            Err(Unwind::Break(0 | 1)) => Ok(Next::Out(0)),
            Err(Unwind::Break(levels)) if self.loops > 0 => Err(Unwind::Break(levels - 1)),
            Err(Unwind::Continue(levels)) if self.loops > 0 => Err(Unwind::Continue(levels - 1)),
            Err(Unwind::Break(_) | Unwind::Continue(_)) => Ok(Next::Out(0)),
            Err(unwind) => Err(unwind),
        }
    }

    async fn looped(&mut self, until: bool, condition: &List, body: &List) -> Flow {
        let mut status = 0;
        loop {
            self.loops += 1;
            let flow = self.condition(condition).await;
            self.loops -= 1;
            let holds = match flow {
                Ok(status) => status == 0,
                Err(_) => match self.after_round(flow)? {
                    Next::Out(status) => return Ok(status),
                    Next::Round => continue,
                },
            };
            if holds == until {
                return Ok(status);
            }
            match self.round(body).await? {
                Next::Round => status = self.status,
                Next::Out(status) => return Ok(status),
            }
        }
    }

    async fn for_each(&mut self, name: &[u8], words: Option<&[Word]>, body: &List) -> Flow {
        let values = match words {
            Some(words) => self.fields(words).await?,
            None => self.positional.clone(),
        };
        let mut status = 0;
        for value in values {
            self.assign(name, &value)?;
            match self.round(body).await? {
                Next::Round => status = self.status,
                Next::Out(status) => return Ok(status),
            }
        }
        Ok(status)
    }

    async fn count(&mut self, header: &[Word; 3], body: &List) -> Flow {
        let [first, condition, step] = header;
        self.value_of(first, 0).await?;
        let mut status = 0;
        while self.value_of(condition, 1).await? != 0 {
            match self.round(body).await? {
                Next::Round => status = self.status,
                Next::Out(status) => return Ok(status),
            }
            self.value_of(step, 0).await?;
        }
        Ok(status)
    }

    async fn value_of(&mut self, word: &Word, empty: i64) -> Result<i64, Unwind> {
        let text = self.text(word).await?;
        if text.trim_ascii().is_empty() { Ok(empty) } else { self.arithmetic(&text) }
    }

    async fn case(&mut self, word: &Word, arms: &[Arm]) -> Flow {
        let text = self.text(word).await?;
        let mut falls = false;
        let mut status = 0;
        for arm in arms {
            let mut chosen = falls;
            for pattern in &arm.patterns {
                if chosen {
                    break;
                }
                self.step().await?;
                let pattern = self.pattern(pattern).await?;
                chosen = self.fits(&pattern, &text).await?;
            }
            if chosen {
                status = self.list(&arm.body).await?;
                if !arm.falls_through && !arm.tries_on {
                    return Ok(status);
                }
                falls = arm.falls_through;
            }
        }
        Ok(status)
    }

    fn test<'a>(&'a mut self, test: &'a Test) -> Boxed<'a, Result<bool, Unwind>> {
        Box::pin(async move {
            match test {
                Test::Or(left, right) => Ok(self.test(left).await? || self.test(right).await?),
                Test::And(left, right) => Ok(self.test(left).await? && self.test(right).await?),
                Test::Not(inner) => Ok(!self.test(inner).await?),
                Test::Unary(operator, word) => {
                    let text = self.text(word).await?;
                    Ok(self.unary_test(*operator, &text))
                }
                Test::Binary(left, operator, right) => self.binary(left, operator, right).await,
            }
        })
    }

    async fn binary(&mut self, left: &Word, operator: &[u8], right: &Word) -> Result<bool, Unwind> {
        let text = self.text(left).await?;
        match operator {
            b"==" | b"=" | b"!=" => {
                let pattern = self.pattern(right).await?;
                Ok(self.fits(&pattern, &text).await? == (operator != b"!="))
            }
            b"=~" => {
                let field = self.one_field(right).await?;
                let mut expression = Vec::new();
                for (byte, quoted) in field.text.iter().zip(&field.quoted) {
                    if *quoted && b".[]*^$+?(){}|\\".contains(byte) {
                        expression.push(b'\\');
                    }
                    expression.push(*byte);
                }
                let Ok(regex) = Regex::new(&expression, true, false) else { return Ok(false) };
                let meter = Meter::default();
                let groups = regex.metered(&meter).captures(&text, 0);
                self.spend(meter.steps()).await?;
                let Some(groups) = groups else { return Ok(false) };
                let members = groups.iter().enumerate().map(|(place, group)| {
                    (
                        place as u64,
                        group.map_or_else(Vec::new, |(start, end)| text[start..end].to_vec()),
                    )
                });
                let _ = self.variables.put(
                    b"BASH_REMATCH",
                    super::super::variables::Content::Many(members.collect()),
                );
                Ok(true)
            }
            b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" => {
                let right = self.text(right).await?;
                let (left, right) = (self.arithmetic(&text)?, self.arithmetic(&right)?);
                Ok(super::test::compare(left, operator, right))
            }
            _ => {
                let right = self.text(right).await?;
                Ok(self
                    .with(|kernel| {
                        super::test::binary(kernel, &self.folder, self.who, &text, operator, &right)
                    })
                    .unwrap_or(false))
            }
        }
    }

    /// Whether a pattern fits, at its cost.
    async fn fits(&mut self, pattern: &Pattern, text: &[u8]) -> Result<bool, Unwind> {
        let meter = Meter::default();
        let fits = pattern.matches_within(text, &meter);
        self.spend(meter.steps()).await?;
        Ok(fits)
    }

    fn unary_test(&self, operator: u8, text: &[u8]) -> bool {
        if operator == b'v' {
            return self.scalar(text).is_some();
        }
        let terminal = operator == b't'
            && std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .is_some_and(|number| self.is_terminal(number));
        terminal
            || self
                .with(|kernel| super::test::unary(kernel, &self.folder, self.who, operator, text))
    }
}
