use super::*;

#[test]
fn no_two_programs_of_a_machine_have_one_name() {
    for dialect in [Dialect::Gnu, Dialect::BusyBox] {
        let mut names: Vec<&str> = programs(dialect).map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
