//! Tasks, activities and files are linked to deals, leads, contacts and companies, and seen with them.

/// The links of a table with `deal_id`, `lead_id`, `contact_id` and `company_id`, for `Reach::OwnerOrLinked`.
#[macro_export]
macro_rules! linked_records {
    ($table:ident) => {
        [
            $crate::linked_records!(@ $table, DEAL, deal_id, "deals"),
            $crate::linked_records!(@ $table, LEAD, lead_id, "leads"),
            $crate::linked_records!(@ $table, CONTACT, contact_id, "contacts"),
            $crate::linked_records!(@ $table, COMPANY, company_id, "companies"),
        ]
    };
    (@ $table:ident, $kind:ident, $column:ident, $records:literal) => {
        $crate::kernel::access::resource::OwnerLink {
            kind: $crate::kernel::fields::kind::Kind::$kind,
            field: $crate::kernel::fields::field::field(stringify!($column), &$table::$column),
            owned_by: concat!(
                "select r.id from ", $records, " r where r.workspace_id = ", stringify!($table), ".workspace_id and r.id = ",
                stringify!($table), ".", stringify!($column), " and r.owner_id = "
            ),
        }
    };
}
