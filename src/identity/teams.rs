//! Teams: departments of the workspace.
crate::names! {
    /// A department; users belong to one.
    Team, TeamCreate, TeamUpdate, TeamPage, TeamList;
    table: teams, kind: Team, extra: [], unique: "teams_name_key";
    paths: "/teams", "/teams/{team_id}", "team_id";
    operations: "list_teams", "create_team", "get_team", "update_team", "delete_team";
}
