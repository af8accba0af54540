//! The store as its users see it: what goes in comes out counted, whatever the order, the batches and the end.

#[cfg(test)]
mod counting;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod history;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod places;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sensors;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod time;
