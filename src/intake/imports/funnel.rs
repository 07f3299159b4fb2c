//! The pipeline for the leads or deals of a file.
use crate::db::tx::Tx;
use crate::intake::imports::resource::ImportResource;
use crate::kernel::error::Result;
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::stages::{self, Category, Stage};
use uuid::Uuid;

/// The pipeline with its stages. It is empty for records without stages.
#[derive(Debug, Default)]
pub struct Funnel {
    pub pipeline: Option<Uuid>,
    /// Whether the settings name the pipeline. Records of other pipelines then move to it.
    pub named: bool,
    /// In the order of the pipeline.
    pub stages: Vec<Stage>,
}

impl Funnel {
    /// Loads the named pipeline, or the default one.
    pub fn load(tx: &mut Tx<'_>, resource: ImportResource, named: Option<Uuid>) -> Result<Funnel> {
        let kind = match resource {
            ImportResource::Leads => PipelineKind::Lead,
            ImportResource::Deals => PipelineKind::Deal,
            _ => return Ok(Funnel::default()),
        };
        let pipeline = pipelines::choose(tx, named, kind)?;
        Ok(Funnel { pipeline: Some(pipeline), named: named.is_some(), stages: stages::of_pipeline(tx, pipeline)? })
    }

    pub fn open_names(&self) -> Vec<String> {
        self.open().map(|stage| stage.name.clone()).collect()
    }

    pub fn first_open(&self) -> Option<&Stage> {
        self.open().next()
    }

    fn open(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.category == Category::Open)
    }
}
