//! Tables for people: aligned columns, no borders.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

/// Columns side by side, without lines and without white space at the ends.
pub(super) fn aligned<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}
