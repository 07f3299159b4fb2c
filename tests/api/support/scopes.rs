//! Every scope that an API key can have.
use std::sync::LazyLock;

static SCOPES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    voronka::resources::install();
    voronka::kernel::access::resource::scopes().into_iter().map(|scope| &*scope.leak()).collect()
});

pub fn scopes() -> &'static [&'static str] {
    &SCOPES
}
