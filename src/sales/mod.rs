//! The funnel: pipelines and stages, leads and their conversion, deals, loss reasons.
pub mod deals;
pub mod handover;
pub mod leads;
pub mod loss_reasons;
pub mod moves;
pub mod pipelines;
pub mod restoring;
pub mod spans;
pub mod stage_removal;
pub mod stages;
