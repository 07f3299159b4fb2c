//! Pipelines and stages, leads and their conversion, deals, loss reasons.
pub mod attention;
pub mod batch_move;
pub mod board;
pub mod board_position;
pub mod deals;
pub mod entry;
pub mod handover;
pub mod history_filters;
pub mod leads;
pub mod loss_reasons;
pub mod pipelines;
pub mod restore;
pub mod rewind;
pub mod spans;
pub mod stage_removal;
pub mod staged;
pub mod stages;
