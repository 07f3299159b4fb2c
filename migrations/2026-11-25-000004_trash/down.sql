drop index activities_trash;
drop index companies_trash;
drop index contacts_trash;
drop index deals_trash;
drop index files_trash;
drop index leads_trash;
drop index products_trash;
drop index tasks_trash;
