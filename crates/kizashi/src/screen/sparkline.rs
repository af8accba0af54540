//! A series in one line of text: eighths of a block, from nothing to the greatest value. Shows the shape alone; the numbers
//! stand beside it.

/// Heights from one eighth to a full block.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Where nothing came.
const NOTHING: char = '·';

/// The values as at most `columns` characters, the oldest first. More values than columns: each column shows the greatest
/// of its share, so that no short wave is lost. Any value but zero is drawn at least one eighth high.
pub(crate) fn sparkline(values: &[u64], columns: usize) -> String {
    let columns = columns.min(values.len());
    let greatest = values.iter().copied().max().unwrap_or(0);
    (0..columns)
        .map(|column| {
            let share = share_of(values.len(), columns, column);
            height(values[share].iter().copied().max().unwrap_or(0), greatest)
        })
        .collect()
}

/// Which values the column stands for.
fn share_of(length: usize, columns: usize, column: usize) -> std::ops::Range<usize> {
    let edge = |column: usize| {
        let at = column as u128 * length as u128 / columns as u128;
        usize::try_from(at).unwrap_or(length)
    };
    edge(column)..edge(column + 1)
}

fn height(value: u64, greatest: u64) -> char {
    if value == 0 || greatest == 0 {
        return NOTHING;
    }
    let eighths = (u128::from(value) * 8).div_ceil(u128::from(greatest));
    HEIGHTS[usize::try_from(eighths).unwrap_or(8).clamp(1, 8) - 1]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ramp_is_seen_as_a_ramp_and_nothing_as_nothing() {
        assert_eq!(sparkline(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 20), "·▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[0, 0], 9), "··");
        assert_eq!(sparkline(&[], 9), "");
        assert_eq!(sparkline(&[5, 5], 0), "");
        assert_eq!(sparkline(&[1, u64::MAX], 2), "▁█");
    }

    #[test]
    fn one_bin_of_a_wave_in_a_month_stays_visible() {
        let mut month = vec![1; 4_464];
        month[4_000] = 90;
        assert_eq!(sparkline(&month, 60).matches('█').count(), 1);
    }

    proptest! {
        #[test]
        fn it_is_as_long_as_the_values_or_the_columns(values in prop::collection::vec(any::<u64>(), 0..300), columns in 0_usize..120) {
            let line = sparkline(&values, columns);
            prop_assert_eq!(line.chars().count(), values.len().min(columns));
            if columns > 0 && values.iter().any(|value| *value > 0) {
                prop_assert!(line.contains('█'));
            }
        }
    }
}
