use super::*;
use crate::intake::imports::contents::content;
use crate::intake::imports::recognition::fields::Resource::{Activities, Companies, Contacts, Deals, Leads};
use crate::intake::imports::recognition::fields::own_paths;

/// The mapping of a table: columns separated by `|`, the header row first.
fn table(resource: Resource, rows: &[&str]) -> Recognition {
    read(&Request { resource: Some(resource), ..Request::default() }, rows)
}

fn read(request: &Request, rows: &[&str]) -> Recognition {
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.split('|').map(str::to_owned).collect()).collect();
    let values = |at: usize| cells[1..].iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    let contents: Vec<Content> = (0..cells[0].len()).map(|at| content(&values(at))).collect();
    let headers = cells[0].iter().zip(&contents);
    let columns: Vec<Column<'_>> = headers.map(|(header, content)| Column { header, content: Some(content) }).collect();
    recognise(&columns, request)
}

fn paths(found: &Recognition) -> Vec<String> {
    let one = |column: &ColumnReading| column.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
    found.columns.iter().map(one).collect()
}

fn reasons(found: &Recognition, at: usize) -> Vec<String> {
    found.columns[at].reasons.iter().map(ToString::to_string).collect()
}

fn unread(found: &Recognition, at: usize) -> String {
    found.columns[at].unread.as_ref().map_or_else(String::new, ToString::to_string)
}

#[test]
fn the_reasons_name_the_language_and_the_values() {
    let found = table(Contacts, &["Correo|Apellidos", "a@x.example|Ruiz", "b@x.example|Gil"]);
    assert_eq!(reasons(&found, 0), ["the header means email in Spanish", "all values are e-mail addresses"]);
}

#[test]
fn a_column_of_addresses_is_email_whatever_its_name() {
    let found = table(Contacts, &["Vorname|Xyz", "Anna|a@x.example", "Bert|b@x.example"]);
    assert_eq!(paths(&found), ["first_name", "email"]);
    assert_eq!(reasons(&found, 1), ["all values are e-mail addresses"]);
}

#[test]
fn a_column_of_phones_is_phone_whatever_its_name() {
    let found = table(Leads, &["Vorname|B", "Anna|+49 170 1234567", "Bert|+49 40 123456"]);
    assert_eq!(paths(&found), ["person.first_name", "person.phone"]);
}

#[test]
fn a_column_of_plain_numbers_is_no_phone() {
    let found = table(Contacts, &["Vorname|B", "Anna|1701234567", "Bert|4912345678"]);
    assert_eq!(paths(&found), ["first_name", ""]);
}

#[test]
fn addresses_of_unknown_people_of_a_deal_stay_unread() {
    let found = table(Deals, &["Deal|Foo", "Boat|a@x.example", "Oars|b@x.example"]);
    assert_eq!(paths(&found), ["title", ""]);
}

#[test]
fn a_file_without_headers_is_read_by_its_values() {
    let found = table(Contacts, &["A|B|C", "Anna|a@x.example|+49 40 123456", "Bert|b@x.example|+49 40 123457"]);
    assert_eq!(paths(&found), ["", "email", "phone"]);
}

#[test]
fn a_header_that_the_values_contradict_is_not_believed() {
    let found = table(Contacts, &["Name|Email", "Anna|yes", "Bert|no"]);
    assert_eq!(paths(&found), ["name", ""]);
    assert_eq!(unread(&found, 1), "the header means email, but no value is an e-mail address");
}

#[test]
fn a_few_values_that_do_not_fit_are_told() {
    let found = table(Deals, &["Deal|Closed", "A|2024-01-02", "B|not closed", "C|2024-03-04"]);
    assert_eq!(paths(&found), ["title", "closed_at"]);
    assert_eq!(reasons(&found, 1)[1], "2 of 3 values are dates");
}

#[test]
fn an_empty_column_is_mapped_by_its_header() {
    let found = table(Contacts, &["Name|Email", "Anna|", "Bert|"]);
    assert_eq!(paths(&found), ["name", "email"]);
}

#[test]
fn the_title_of_a_person_is_the_job_title() {
    let found = table(Contacts, &["Name|Title", "Anna|CEO", "Bert|Buyer"]);
    assert_eq!(paths(&found), ["name", "position"]);
}

#[test]
fn a_title_of_salutations_is_a_name_prefix() {
    let found = table(Contacts, &["Name|Title", "Anna|Ms.", "Bert|Dr."]);
    assert_eq!(paths(&found), ["name", "name_prefix"]);
}

#[test]
fn the_title_of_a_lead_with_a_person_and_a_company_is_the_job_title() {
    let found = table(Leads, &["First Name|Last Name|Title|Company", "A|B|Something|C"]);
    assert_eq!(paths(&found)[2], "person.position");
}

#[test]
fn the_title_of_a_lead_without_a_person_is_its_title() {
    let found = table(Leads, &["Title|Email", "Ten seats|a@x.example"]);
    assert_eq!(paths(&found), ["title", "person.email"]);
}

#[test]
fn the_title_of_a_lead_with_a_person_and_a_value_is_a_question() {
    let found = table(Leads, &["Title|Name|Value", "Ten seats|Anna|5"]);
    assert_eq!(unread(&found, 0), "this may be title or person.position");
}

#[test]
fn name_beside_first_name_is_the_last_name() {
    let found = table(Contacts, &["Name|Vorname", "Müller|Anna"]);
    assert_eq!(paths(&found), ["last_name", "first_name"]);
}

#[test]
fn name_alone_is_the_full_name() {
    assert_eq!(paths(&table(Contacts, &["Name", "Anna Müller"])), ["name"]);
    assert_eq!(paths(&table(Contacts, &["Nom", "Anna Müller"])), ["name"]);
    assert_eq!(paths(&table(Contacts, &["Имя", "Анна Иванова"])), ["name"]);
}

#[test]
fn the_full_name_beside_its_parts_is_not_read() {
    let found = table(Contacts, &["Name|First name|Last name", "Anna Müller|Anna|Müller"]);
    assert_eq!(paths(&found), ["", "first_name", "last_name"]);
    assert_eq!(unread(&found, 0), "other columns contain the parts of name");
}

#[test]
fn polish_first_and_last_names_decide_on_each_other() {
    let found = table(Contacts, &["Imię|Nazwisko", "Anna|Nowak"]);
    assert_eq!(paths(&found), ["first_name", "last_name"]);
}

#[test]
fn two_columns_for_one_field_are_ranked_and_told() {
    let found = table(Deals, &["Deal|Total|Amount", "Boat|5|6"]);
    assert_eq!(paths(&found), ["title", "", "value"]);
    assert_eq!(unread(&found, 1), "column 3 (Amount) feeds value");
}

#[test]
fn of_equal_columns_the_fuller_one_is_read() {
    let found = table(Deals, &["Deal|Created|Angelegt am", "Boat||2024-01-02", "Oars||2024-01-03"]);
    assert_eq!(paths(&found), ["title", "", "created_at"]);
}

#[test]
fn all_addresses_are_read_with_their_kinds() {
    let found = table(Contacts, &["Email|Email 2|Private email|Phone|Büro-Telefon|Handy|Home phone 2", "||||||"]);
    let wanted = ["email", "email 2", "email home", "phone", "phone work", "phone mobile", "phone home 2"];
    assert_eq!(paths(&found), wanted);
}

#[test]
fn parts_of_two_addresses_are_kept_apart() {
    let found = table(Contacts, &["Home City|Work City|City 2|City", "|||"]);
    assert_eq!(paths(&found), ["address.city home", "address.city work", "address.city 2", "address.city"]);
}

#[test]
fn each_column_says_to_which_record_it_belongs() {
    let found = table(Deals, &["Deal|Company|Company phone|Contact|Contact e-mail|Owner", "|||||"]);
    assert_eq!(paths(&found), ["title", "company", "company.phone", "contact", "contact.email", "owner"]);
    let records: Vec<Resource> = found.columns.iter().map(|column| column.targets[0].record).collect();
    assert_eq!(records, [Deals, Companies, Companies, Contacts, Contacts, Resource::Users]);
}

#[test]
fn a_deal_has_no_email_of_its_own() {
    let found = table(Deals, &["Deal|E-Mail", "Boat|a@x.example"]);
    assert_eq!(paths(&found), ["title", "contact.email"]);
    assert_eq!(reasons(&found, 1)[1], "only the contact has this field");
}

#[test]
fn the_own_record_in_a_header_says_nothing_new() {
    let found = table(Deals, &["Deal owner|Deal source|Deal created date", "||"]);
    assert_eq!(paths(&found), ["owner", "source", "created_at"]);
}

#[test]
fn a_header_of_another_record_is_not_of_this_one() {
    let found = table(Contacts, &["Name|Account owner|Lead status", "Anna|Ines|New"]);
    assert_eq!(paths(&found), ["name", "company.owner", ""]);
}

#[test]
fn the_currency_in_the_header_of_an_amount_is_told() {
    let found = table(Deals, &["Deal|Betrag (EUR)", "Boat|5"]);
    assert_eq!(paths(&found), ["title", "value EUR"]);
    assert_eq!(paths(&table(Deals, &["Сделка|Сумма, руб.", "A|5"])), ["title", "value RUB"]);
    assert_eq!(paths(&table(Deals, &["Deal|Amount in $", "A|5"])), ["title", "value"]);
}

#[test]
fn an_amount_in_thousands_is_not_an_amount() {
    assert_eq!(paths(&table(Deals, &["Сделка|Сумма, тыс. руб.", "A|5"])), ["title", ""]);
    assert_eq!(paths(&table(Deals, &["Deal|Amount (thousands)", "A|5"])), ["title", ""]);
}

#[test]
fn status_beside_stage_is_the_outcome() {
    let found = table(Deals, &["Deal|Stage|Status", "A|New|Anything"]);
    assert_eq!(paths(&found), ["title", "stage", "status"]);
}

#[test]
fn a_status_of_won_and_lost_is_the_outcome() {
    assert_eq!(paths(&table(Deals, &["Deal|Status", "A|Won", "B|lost"])), ["title", "status"]);
    assert_eq!(paths(&table(Deals, &["Сделка|Статус", "A|Выиграна", "B|В работе"])), ["title", "status"]);
}

#[test]
fn a_status_of_other_words_is_the_stage() {
    assert_eq!(paths(&table(Leads, &["Name|Status", "A|New", "B|Qualified"])), ["person.name", "stage"]);
}

#[test]
fn the_status_of_a_contact_is_a_life_cycle_only_by_its_values() {
    assert_eq!(paths(&table(Contacts, &["Name|Status", "A|Customer", "B|Lead"])), ["name", "lifecycle"]);
    assert_eq!(paths(&table(Contacts, &["Name|Status", "A|Customer", "B|called"])), ["name", ""]);
}

#[test]
fn estado_is_a_region_beside_a_city_and_a_status_of_a_deal() {
    assert_eq!(paths(&table(Contacts, &["Nombre|Ciudad|Estado", "A|B|C"])), ["name", "address.city", "address.region"]);
    assert_eq!(paths(&table(Contacts, &["Nombre|Estado", "A|C"])), ["name", ""]);
    assert_eq!(paths(&table(Deals, &["Negocio|Estado", "A|Ganado"])), ["title", "status"]);
}

#[test]
fn a_customer_of_a_deal_is_a_company_if_it_has_a_legal_form() {
    assert_eq!(paths(&table(Deals, &["Titel|Kunde", "A|Brandt GmbH", "B|Foo AG"])), ["title", "company"]);
    let found = table(Deals, &["Titel|Kunde", "A|Brandt", "B|Otto"]);
    assert_eq!(unread(&found, 1), "this may be company or contact");
}

#[test]
fn a_date_of_a_deal_is_what_the_other_dates_leave() {
    assert_eq!(paths(&table(Deals, &["Deal|Date|Closed", "A|2024-01-02|2024-01-03"]))[1], "created_at");
    assert_eq!(paths(&table(Deals, &["Deal|Date|Created", "A|2024-01-02|2024-01-01"]))[1], "closed_at");
    let found = table(Deals, &["Deal|Date", "A|2024-01-02"]);
    assert_eq!(unread(&found, 1), "this may be created_at or closed_at");
}

#[test]
fn a_header_of_two_languages_is_read_in_that_of_the_file() {
    // "Data" is a date in Italian, and "Note" is a note in many languages.
    let found = table(Activities, &["Data|Tipo|Note|Referente", "2024-01-02|Call|x|Anna"]);
    assert_eq!(paths(&found), ["occurred_at", "type", "text", "contact"]);
    assert_eq!(found.language, Some(Language::Italian));
}

#[test]
fn a_custom_field_is_found_by_its_name_and_label() {
    let custom = vec![
        CustomColumn { path: "cf.visits".into(), label: "Total visits".into() },
        CustomColumn { path: "cf.job".into(), label: "Occupation".into() },
    ];
    let request = Request { resource: Some(Leads), custom, ..Request::default() };
    let found = read(&request, &["Title|Total visits|Occupation|cf.job", "A|2.5|Student|"]);
    assert_eq!(paths(&found), ["title", "cf.visits", "cf.job", ""]);
    assert_eq!(unread(&found, 3), "column 3 (Occupation) feeds cf.job");
}

#[test]
fn the_entry_into_a_stage_is_found() {
    let request = Request { resource: Some(Deals), stages: vec!["Proposal".into()], ..Request::default() };
    let found = read(&request, &["entered.Proposal", "2024-01-02"]);
    assert_eq!(paths(&found), ["entered.Proposal"]);
    let found = read(&request, &["Date entered \"Proposal (Sales Pipeline)\"", "2024-01-02"]);
    assert_eq!(paths(&found), ["entered.Proposal"]);
}

#[test]
fn hidden_fields_are_not_suggested() {
    let request =
        Request { resource: Some(Deals), hidden: vec!["contact".into(), "value".into()], ..Request::default() };
    let found = read(&request, &["Deal|Amount|Contact|Contact email|Currency", "A|5|B|a@x.example|EUR"]);
    assert_eq!(paths(&found), ["title", "", "", "", ""]);
}

#[test]
fn other_meanings_of_a_header_are_listed() {
    let found = table(Contacts, &["Name|Title", "Anna|CEO"]);
    let others: Vec<String> = found.columns[1].others.iter().map(ToString::to_string).collect();
    assert_eq!(others, ["name_prefix"]);
}

#[test]
fn unread_columns_are_listed_with_their_places() {
    let found = table(Contacts, &["|Name|Shoe size", "0|Anna|38"]);
    let places: Vec<usize> = found.unread().map(|(at, _)| at).collect();
    assert_eq!(places, [0, 2]);
    assert_eq!(unread(&found, 0), "the column has no header");
    assert_eq!(unread(&found, 2), "no field has this name");
}

#[test]
fn two_columns_of_one_name_are_both_read() {
    let found = table(Leads, &["Имя|Комментарий|Комментарий", "А|Б|В"]);
    assert_eq!(paths(&found), ["person.name", "note", "note"]);
}

#[test]
fn the_program_decides_what_a_header_means() {
    let hubspot = table(Contacts, &["Record ID|Contact owner|Lifecycle Stage|Lead Status", "|||"]);
    assert_eq!(hubspot.origin.as_ref().map(|origin| origin.origin), Some("HubSpot"));
    assert_eq!(paths(&hubspot), ["external_id", "owner", "lifecycle", ""]);
    assert_eq!(reasons(&hubspot, 1), ["a column of the contacts that HubSpot exports"]);
    let outlook = table(Contacts, &["Title|First Name|E-mail Address|E-mail 2 Address|Business Phone", "||||"]);
    assert_eq!(paths(&outlook)[0], "name_prefix");
}

#[test]
fn the_program_is_named_for_a_file_asked_for_as_something_else() {
    let found = table(Leads, &["Record ID|First Name|Email|Lifecycle Stage|Create Date|Original Source", "|||||"]);
    assert_eq!(found.origin.as_ref().map(|origin| origin.origin), Some("HubSpot"));
    assert_eq!(paths(&found)[2], "person.email");
}

#[test]
fn a_plain_spreadsheet_has_no_program() {
    let found = table(Contacts, &["First Name|Last Name|Email|Phone|Do not contact", "||||"]);
    assert_eq!(found.origin, None);
}

#[test]
fn the_kind_of_record_is_guessed_from_the_headers() {
    let kind = |row: &str| read(&Request::default(), &[row]).resource;
    assert_eq!(kind("Vorname|Nachname|E-Mail|Firma"), Contacts);
    assert_eq!(kind("Firma|Branche|Webseite|Mitarbeiter"), Companies);
    assert_eq!(kind("Deal|Amount|Stage|Close date|Owner"), Deals);
    assert_eq!(kind("Betreff|Vorname|Nachname|E-Mail|Status|Budget|Wiedervorlage"), Leads);
    assert_eq!(kind("Task|Due date|Priority|Assignee"), Resource::Tasks);
    assert_eq!(kind("Date|Type|Subject|Notes|Contact|Duration"), Activities);
    assert_eq!(kind("SKU|Name|Unit price|Unit"), Resource::Products);
    assert_eq!(kind("Name|Email|Role|Team"), Resource::Users);
    assert_eq!(kind("Deal - Title|Deal - Value|Deal - Stage|Person - Email"), Deals);
}

/// Our own names of fields are headers too.
#[test]
fn every_field_is_found_by_its_own_name() {
    let mut wrong = Vec::new();
    for resource in Resource::ALL {
        for path in own_paths(resource).filter(|path| path.contains(['.', '_'])) {
            let column = Column { header: path, content: None };
            let found = recognise(&[column], &Request { resource: Some(resource), ..Request::default() });
            if found.columns[0].targets.first().map(|target| target.path.as_str()) != Some(path) {
                wrong.push(format!("{} {path}: {:?}", resource.as_str(), found.columns[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_or_strange_header_does_no_harm() {
    let long = "企業".repeat(5000);
    let many = "email ".repeat(2000);
    let found = table(Contacts, &[&format!("{long}|{many}|\u{0}|😀|%%%|email email email")]);
    assert!(found.columns.iter().all(|column| column.targets.len() <= 1));
}

/// 50 columns of the worst headers, twice and without optimisation.
#[test]
fn the_time_for_a_wide_file_is_bounded() {
    let headers: Vec<String> =
        (0..50).map(|n| format!("work phone company email contact {n}x mobile home deal")).collect();
    let columns: Vec<Column<'_>> = headers.iter().map(|header| Column { header, content: None }).collect();
    let begin = std::time::Instant::now();
    recognise(&columns, &Request::default());
    let single: Vec<String> = (0..50).map(|n| format!("企業会社連絡先電話メール携帯自宅住所担当者{n}")).collect();
    let columns: Vec<Column<'_>> = single.iter().map(|header| Column { header, content: None }).collect();
    recognise(&columns, &Request::default());
    println!("took {:?}", begin.elapsed());
    assert!(begin.elapsed().as_secs() < 30);
}

#[test]
fn ids_of_another_program_are_not_ids_of_this_one() {
    let found = table(Companies, &["id|name|revenue.currency|founded_year|next_task|owner_id", "17|Acme|EUR|1999||3"]);
    assert_eq!(found.origin.as_ref().map(|origin| origin.origin), Some("Voronka"));
    assert_eq!(paths(&found)[0], "external_id");
    assert_eq!(paths(&found)[5], "owner.external_id");
}

#[test]
fn the_city_of_a_deal_is_of_the_company_or_of_the_contact() {
    let found = table(Deals, &["Deal|Ort", "Boat|Hamburg"]);
    assert_eq!(unread(&found, 1), "this may be company.address.city or contact.address.city");
}

#[test]
fn a_sign_in_the_header_is_the_currency() {
    assert_eq!(paths(&table(Deals, &["Deal|Importe €", "A|5"]))[1], "value EUR");
    assert_eq!(paths(&table(Deals, &["Negócio|Valor (R$)", "A|5"]))[1], "value BRL");
}

#[test]
fn a_mobile_number_at_work_is_a_mobile_number() {
    assert_eq!(paths(&table(Contacts, &["Nom|Téléphone mobile professionnel", "A|"]))[1], "phone mobile");
    assert_eq!(paths(&table(Contacts, &["Name|Work mobile phone", "A|"]))[1], "phone mobile");
}

#[test]
fn short_words_inside_a_word_say_nothing() {
    let found = table(Contacts, &["Name|Indirizzario|Emailing|Dephone|Notebook", "A||||"]);
    assert_eq!(paths(&found), ["name", "", "", "", ""]);
}

#[test]
fn a_custom_field_of_salesforce_is_found_by_its_label() {
    let custom = vec![CustomColumn { path: "cf.boat_size".into(), label: "Boat size".into() }];
    let request = Request { resource: Some(Contacts), custom, ..Request::default() };
    assert_eq!(paths(&read(&request, &["LastName|Boat_Size__c", "A|5"]))[1], "cf.boat_size");
}

#[test]
fn the_domain_of_a_company_goes_before_its_website() {
    let rows = [
        "Record ID|Company name|Website URL|Company Domain Name|Company owner",
        "1|A|https://a.example/x|a.example|Ines",
    ];
    assert_eq!(paths(&table(Companies, &rows)), ["external_id", "name", "", "domain", "owner"]);
    assert_eq!(paths(&table(Companies, &["Name|Website|Domain", "A|a.example|a.example"])), ["name", "", "domain"]);
    assert_eq!(paths(&table(Companies, &["Name|Website", "A|https://a.example/x"])), ["name", "domain"]);
}

#[test]
fn a_header_with_one_meaning_goes_before_one_with_two() {
    assert_eq!(paths(&table(Contacts, &["Name|Full name|Email", "A|A B|"])), ["", "name", "email"]);
    assert_eq!(
        paths(&table(Deals, &["Deal|Status|Deal status|Stage", "A|Won|Won|New"])),
        ["title", "", "status", "stage"]
    );
}

#[test]
fn the_name_of_the_contact_of_a_deal_is_its_full_or_its_last_name() {
    assert_eq!(paths(&table(Deals, &["Titel|Name des Ansprechpartners", "A|B"])), ["title", "contact"]);
    let found = table(Deals, &["Titel|Ansprechpartner Name|Ansprechpartner Vorname", "A|B|C"]);
    assert_eq!(paths(&found), ["title", "contact.last_name", "contact.first_name"]);
}
