//! A small assembler of classic BPF (McCanne and Jacobson, USENIX 1993; Linux `Documentation/networking/filter.rst`): instructions with
//! labels to jump to. A conditional jump reaches 255 instructions; where a label lies farther, the assembler puts an unconditional
//! one between, which reaches everything.

/// An instruction as the kernel takes it (`struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How far to jump where a comparison holds.
    pub jump_true: u8,
    /// How far where it does not.
    pub jump_false: u8,
    /// The operand.
    pub operand: u32,
}

/// Instructions of a program at most (`BPF_MAXINSNS`).
const MOST_INSTRUCTIONS: usize = 4_096;

/// A place to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// The operations that are used, by their numbers in `linux/filter.h`.
pub(super) mod code {
    /// A = the half word at X + k.
    pub(crate) const LOAD_HALF_AT_X: u16 = 0x48;
    /// A = the byte at X + k.
    pub(crate) const LOAD_BYTE_AT_X: u16 = 0x50;
    /// A = the word at k; also what the kernel knows of a packet, at the `ANCILLARY` places.
    pub(crate) const LOAD_WORD: u16 = 0x20;
    /// A = the half word at k.
    pub(crate) const LOAD_HALF: u16 = 0x28;
    /// A = the byte at k.
    pub(crate) const LOAD_BYTE: u16 = 0x30;
    /// X = k.
    pub(crate) const SET_X: u16 = 0x01;
    /// X = 4 * (the byte at k & 15): the length of an IPv4 header.
    pub(crate) const SET_X_TO_HEADER: u16 = 0xb1;
    /// A = cell k.
    pub(crate) const RECALL: u16 = 0x60;
    /// Cell k = A.
    pub(crate) const STORE: u16 = 0x02;
    pub(crate) const ADD: u16 = 0x04;
    pub(crate) const SUBTRACT_X: u16 = 0x1c;
    pub(crate) const AND: u16 = 0x54;
    pub(crate) const SHIFT_RIGHT: u16 = 0x74;
    pub(crate) const JUMP: u16 = 0x05;
    pub(crate) const JUMP_EQUAL: u16 = 0x15;
    pub(crate) const JUMP_GREATER: u16 = 0x25;
    pub(crate) const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
    /// Whether any bit of k is set in A.
    pub(crate) const JUMP_ANY_BIT: u16 = 0x45;
    /// X = A, and A = X.
    pub(crate) const TAKE_TO_X: u16 = 0x07;
    pub(crate) const TAKE_FROM_X: u16 = 0x87;
    /// How many bytes of the packet are wanted; 0 for none of it.
    pub(crate) const RETURN: u16 = 0x06;
    /// A is how many.
    pub(crate) const RETURN_A: u16 = 0x16;
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Plain(u16, u32),
    Compare { code: u16, operand: u32, holds: Label, fails: Label },
    Jump(Label),
    Place(Label),
}

/// A program being written.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    steps: Vec<Step>,
    labels: usize,
}

impl Assembler {
    /// A label that is placed later.
    pub(super) const fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// The next instruction is where this label leads.
    pub(super) fn place(&mut self, label: Label) {
        self.steps.push(Step::Place(label));
    }

    /// An instruction that goes on to the next.
    pub(super) fn put(&mut self, code: u16, operand: u32) {
        self.steps.push(Step::Plain(code, operand));
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.steps.push(Step::Jump(label));
    }

    /// Compares A and goes to one of two places.
    pub(super) fn compare(&mut self, code: u16, operand: u32, holds: Label, fails: Label) {
        self.steps.push(Step::Compare { code, operand, holds, fails });
    }

    /// Goes there where the comparison holds, on to the next instruction where not.
    pub(super) fn compare_or_next(&mut self, code: u16, operand: u32, holds: Label) {
        let next = self.label();
        self.compare(code, operand, holds, next);
        self.place(next);
    }

    /// Goes on to the next instruction where the comparison holds, there where not.
    pub(super) fn require(&mut self, code: u16, operand: u32, fails: Label) {
        let next = self.label();
        self.compare(code, operand, next, fails);
        self.place(next);
    }

    pub(super) fn give(&mut self, bytes: u32) {
        self.put(code::RETURN, bytes);
    }

    /// The instructions; `None` where a label was not placed or lies behind, or the program is too long.
    pub(super) fn assemble(&self) -> Option<Vec<Instruction>> {
        let mut far = vec![Far::default(); self.steps.len()];
        while self.find_far(&mut far)? {}
        let (starts, places) = self.layout(&far);
        let mut program = Vec::new();
        for ((step, far), start) in self.steps.iter().zip(&far).zip(starts) {
            Self::write(step, *far, start, &places, &mut program)?;
        }
        (program.len() <= MOST_INSTRUCTIONS).then_some(program)
    }

    /// Finds comparisons whose labels have come to lie too far; whether there were any. What is far once stays so, hence this ends.
    fn find_far(&self, far: &mut [Far]) -> Option<bool> {
        let (starts, places) = self.layout(far);
        let mut found = false;
        for ((step, far), start) in self.steps.iter().zip(far).zip(starts) {
            let Step::Compare { holds, fails, .. } = step else { continue };
            let is_far =
                |label: &Label| Some(reach(&places, *label, start)? > usize::from(u8::MAX));
            let now =
                Far { holds: far.holds || is_far(holds)?, fails: far.fails || is_far(fails)? };
            found |= now != *far;
            *far = now;
        }
        Some(found)
    }

    /// Where each step begins and where each label leads.
    fn layout(&self, far: &[Far]) -> (Vec<usize>, Vec<Option<usize>>) {
        let (mut starts, mut places) = (Vec::with_capacity(far.len()), vec![None; self.labels]);
        let mut at = 0;
        for (step, far) in self.steps.iter().zip(far) {
            starts.push(at);
            at += match step {
                Step::Place(label) => {
                    if let Some(place) = places.get_mut(label.0) {
                        *place = Some(at);
                    }
                    0
                }
                Step::Compare { .. } => 1 + usize::from(far.holds) + usize::from(far.fails),
                Step::Plain(..) | Step::Jump(_) => 1,
            };
        }
        (starts, places)
    }

    fn write(
        step: &Step,
        far: Far,
        start: usize,
        places: &[Option<usize>],
        program: &mut Vec<Instruction>,
    ) -> Option<()> {
        let plain = |code, operand| Instruction { code, jump_true: 0, jump_false: 0, operand };
        let long =
            |label, from| Some(plain(code::JUMP, reach(places, label, from)?.try_into().ok()?));
        match *step {
            Step::Place(_) => {}
            Step::Plain(code, operand) => program.push(plain(code, operand)),
            Step::Jump(label) => program.push(long(label, start)?),
            Step::Compare { code, operand, holds, fails } => {
                let near = |label| u8::try_from(reach(places, label, start)?).ok();
                let jump_true = if far.holds { 0 } else { near(holds)? };
                let jump_false = if far.fails { u8::from(far.holds) } else { near(fails)? };
                program.push(Instruction { code, jump_true, jump_false, operand });
                if far.holds {
                    program.push(long(holds, start + 1)?);
                }
                if far.fails {
                    program.push(long(fails, start + 1 + usize::from(far.holds))?);
                }
            }
        }
        Some(())
    }
}

/// Which labels of a comparison need a jump of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Far {
    holds: bool,
    fails: bool,
}

/// Instructions between the one at `from` and where the label leads: jumps count from the next, and never lead back.
fn reach(places: &[Option<usize>], label: Label, from: usize) -> Option<usize> {
    (*places.get(label.0)?)?.checked_sub(from + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::interpreter::{Known, run};

    #[test]
    fn a_comparison_reaches_labels_however_far_they_lie() {
        for distance in [0, 1, 254, 255, 256, 257, 1_000, 3_000] {
            for byte in [7, 8] {
                let mut assembler = Assembler::default();
                let (holds, fails) = (assembler.label(), assembler.label());
                assembler.put(code::LOAD_BYTE, 0);
                assembler.compare(code::JUMP_EQUAL, 7, holds, fails);
                (0..distance).for_each(|_| assembler.put(code::AND, 0));
                assembler.place(fails);
                assembler.give(1);
                (0..distance / 4).for_each(|_| assembler.put(code::AND, 0));
                assembler.place(holds);
                assembler.give(2);
                let program = assembler.assemble().unwrap();
                let given = run(&program, &[byte], &Known::default());
                assert_eq!(given, if byte == 7 { 2 } else { 1 }, "{distance}");
            }
        }
    }

    #[test]
    fn no_program_is_made_that_the_kernel_would_refuse() {
        let mut long = Assembler::default();
        (0..=MOST_INSTRUCTIONS).for_each(|_| long.put(code::AND, 0));
        assert_eq!(long.assemble(), None);
        let mut backward = Assembler::default();
        let label = backward.label();
        backward.place(label);
        backward.jump(label);
        assert_eq!(backward.assemble(), None);
        let mut unplaced = Assembler::default();
        let label = unplaced.label();
        unplaced.jump(label);
        assert_eq!(unplaced.assemble(), None);
    }
}
