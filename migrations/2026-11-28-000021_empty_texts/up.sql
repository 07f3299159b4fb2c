-- An empty text is none: two records with the external id '' were one to whoever looked them up.
update companies set domain = nullif(domain, ''), sector = nullif(sector, ''), address = nullif(address, ''), country = nullif(country, ''),
    external_id = nullif(external_id, '') where '' in (domain, sector, address, country, external_id);
update contacts set first_name = nullif(first_name, ''), last_name = nullif(last_name, ''), position = nullif(position, ''),
    address = nullif(address, ''), locale = nullif(locale, ''), external_id = nullif(external_id, '')
    where '' in (first_name, last_name, position, address, locale, external_id);
update leads set description = nullif(description, ''), external_id = nullif(external_id, '') where '' in (description, external_id);
update deals set loss_note = nullif(loss_note, ''), competitor = nullif(competitor, ''), next_step = nullif(next_step, ''),
    external_id = nullif(external_id, '') where '' in (loss_note, competitor, next_step, external_id);
update products set sku = nullif(sku, ''), series = nullif(series, ''), unit = nullif(unit, ''), external_id = nullif(external_id, '')
    where '' in (sku, series, unit, external_id);
update tasks set notes = nullif(notes, ''), result = nullif(result, '') where '' in (notes, result);
update activities set text = nullif(text, ''), outcome = nullif(outcome, ''), recording_url = nullif(recording_url, '')
    where '' in (text, outcome, recording_url);
update users set external_id = null where external_id = '';
update tags set color = null where color = '';
update sources set channel = null where channel = '';
