//! What remote screens (`vnc`, `rdp`) have in common: letters to draw, and what is typed and pointed at.

mod font;
mod input;

pub(crate) use font::{HEIGHT, WIDTH, has_point};
pub(crate) use input::Input;
