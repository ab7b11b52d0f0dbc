//! The command `sincerely`.

fn main() {}
