//! Markdown tables, and the format of the figures in them.

use std::fmt;
use std::time::Duration;

use cloud::usage::Units;

/// A table whose `Display` is Markdown.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            writeln!(formatter, "| {} |", row.join(" | "))?;
            if number == 0 {
                let line: Vec<&str> =
                    row.iter().enumerate().map(|(column, _)| if column == 0 { "---" } else { "---:" }).collect();
                writeln!(formatter, "| {} |", line.join(" | "))?;
            }
        }
        Ok(())
    }
}

/// Milliseconds with two decimals.
pub(super) fn milliseconds(time: Duration) -> String {
    hundredths(time.as_nanos().saturating_add(5_000) / 10_000)
}

/// Mebibytes with one decimal.
pub(super) fn mebibytes(kib: u64) -> String {
    let tenths = kib.saturating_mul(10).saturating_add(512) / 1024;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Millions with two decimals.
pub(super) fn millions(count: u64) -> String {
    hundredths(u128::from(count).saturating_add(5_000) / 10_000)
}

/// Capacity units: `2` or `2.5`.
pub(super) fn units(units: Units) -> String {
    let halves = units.in_halves();
    if halves.is_multiple_of(2) { (halves / 2).to_string() } else { format!("{}.5", halves / 2) }
}

fn hundredths(hundredths: u128) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A percentile of ascending values, at the nearest index; the default if there are no values.
pub(super) fn percentile<T: Copy + Default>(values: &[T], percent: usize) -> T {
    let index = values.len().saturating_sub(1).saturating_mul(percent).saturating_add(50) / 100;
    values.get(index).copied().unwrap_or_default()
}

pub(super) fn median<T: Copy + Default + Ord>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    percentile(&values, 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded() {
        assert_eq!(milliseconds(Duration::from_micros(1_234)), "1.23");
        assert_eq!(milliseconds(Duration::from_micros(1_235)), "1.24");
        assert_eq!(mebibytes(7_168), "7.0");
        assert_eq!(mebibytes(7_270), "7.1");
        assert_eq!(millions(3_404_999), "3.40");
        assert_eq!(units(Units::halves(5)), "2.5");
        assert_eq!(units(Units::whole(3)), "3");
    }

    #[test]
    fn the_middle_of_nothing_is_nothing() {
        assert_eq!(median([5, 1, 3]), 3);
        assert_eq!(median(Vec::<u64>::new()), 0);
        let all: Vec<u64> = (0..=100).collect();
        assert_eq!((percentile(&all, 50), percentile(&all, 99)), (50, 99));
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["what", "ms"]);
        table.row(vec!["list".to_owned(), "1.00".to_owned()]);
        assert_eq!(table.to_string(), "| what | ms |\n| --- | ---: |\n| list | 1.00 |\n");
    }
}
