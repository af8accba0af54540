//! Frames, files and observations: packets made by hand, captures that real tools made, and tshark and p0f beside ours.

#![cfg(test)]

mod capture_files;
mod dissecting;
mod fields;
mod hand_made;
mod hostile;
mod observing;
mod peers;
mod real_tools;
