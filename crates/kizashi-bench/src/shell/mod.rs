//! How true the machine behind the login is: lines that attackers type, run in the trap and in a real Debian, and what both say
//! compared by exit status and by the shape of their output.
//!
//! [`corpus`] holds the lines, [`mod@reference`] runs them in a Debian in namespaces of its own, [`trap`] in the trap, [`cowrie`] in Cowrie,
//! [`shape`] makes answers comparable, [`table`] prints who agrees with Debian and where not. [`expectation`] keeps Debian's answers as
//! hashes, so that a test holds the trap to what was reached without any Debian.

pub mod answer;
pub mod command;
pub mod corpus;
pub mod cowrie;
pub mod expectation;
pub mod mask;
pub mod reference;
pub mod shape;
pub mod table;
pub mod trap;
