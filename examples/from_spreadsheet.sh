#!/usr/bin/env bash
# From a spreadsheet to a funnel with curl alone: registers a workspace, imports sellers, companies, products and past
# opportunities, and reads the reports.
#
#   examples/from_spreadsheet.sh BASE_URL DATA_DIR
#
# DATA_DIR contains sales_teams.csv, accounts.csv, products.csv and sales_pipeline.csv.
# The last line of the output is a JSON object: {"base_url", "access_token", "pipeline_id"}.
set -euo pipefail
base=${1:?the address of a server, such as http://127.0.0.1:8080}
data=${2:?a folder with the four CSV files}
api="$base/api/v1"
say() { printf '\n== %s\n' "$*"; }

# Prints the first value of a member in a JSON response.
member() { sed -E "s/.*\"$1\":\"?([^\",}]*)\"?.*/\1/; q" <<<"$(grep -oE "\"$1\":(\"[^\"]*\"|[^,}]*)" <<<"$2" | head -n 1)"; }
get() { curl -sS --fail-with-body -H "Authorization: Bearer $token" "$api$1"; }
post() { curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$2" "$api$1" || { echo "POST $1 failed" >&2; exit 1; }; }

say 'Register a workspace'
email="anna-$(date +%s)-$RANDOM@example.com"
answer=$(curl -sS --fail-with-body -H 'Content-Type: application/json' "$api/auth/register" \
  -d "{\"workspace_name\":\"Computer hardware\",\"name\":\"Anna\",\"email\":\"$email\",\"password\":\"choose-a-good-one\",\"base_currency\":\"USD\"}")
token=$(member access_token "$answer")
echo "signed in as $email"

say 'A pipeline with the stages of the spreadsheet'
answer=$(post /pipelines '{"name":"Opportunities","kind":"deal","is_default":true,"stages":[
  {"name":"Prospecting","probability_percent":10},{"name":"Engaging","probability_percent":60},
  {"name":"Won","category":"won"},{"name":"Lost","category":"lost"}]}')
pipeline=$(member id "$answer")
echo "pipeline $pipeline"

# import RESOURCE FILE SETTINGS: uploads a file, runs the import as a dry run and then for real, and prints both reports.
import() {
  local resource=$1 file=$2 settings=$3 answer id job status
  say "Import $(basename "$file") as $resource"
  answer=$(curl -sS --fail-with-body -H "Authorization: Bearer $token" -F "file=@$file;type=text/csv" -F "resource=$resource" "$api/imports")
  id=$(member id "$answer")
  echo "read as $(member encoding "$answer"), dates as $(member date_format "$answer")"
  for dry_run in true false; do
    answer=$(post "/imports/$id/run" "{\"dry_run\":$dry_run,\"settings\":$settings}")
    job=$(member id "$answer")
    for _ in $(seq 600); do
      answer=$(get "/jobs/$job")
      status=$(member status "$answer")
      case $status in queued | running) sleep 0.2 ;; *) break ;; esac
    done
    [ "$status" = succeeded ] || { echo "the job $status: $(member error "$answer")" >&2; exit 1; }
    answer=$(get "/imports/$id")
    echo "dry run $dry_run: $(grep -oE '"report":\{"dry_run":[a-z]+,"rows":[0-9]+,"created":[0-9]+,"updated":[0-9]+,"unchanged":[0-9]+,"skipped":[0-9]+,"failed":[0-9]+' <<<"$answer" | cut -d'{' -f2)"
    grep -oE '"without_date":[0-9]+|"mapped_values":\[[^]]*\]|"unknown_values":\[[^]]*\]|\{"column":"[^"]*","field":"[^"]*","filled":[0-9]+,"empty":[0-9]+\}' <<<"$answer" | sort -u | sed 's/^/  /'
  done
}

import users "$data/sales_teams.csv" '{}'
import companies "$data/accounts.csv" '{"mapping":[
  {"column":"account","field":"name"},{"column":"sector","field":"sector","values":[{"from":"technolgy","to":"technology"}]},
  {"column":"year_established","field":"founded_year"},{"column":"revenue","field":"revenue","multiply":1000000},
  {"column":"employees","field":"employees"},{"column":"office_location","field":"country"},{"column":"subsidiary_of","field":"parent"}]}'
import products "$data/products.csv" '{}'
import deals "$data/sales_pipeline.csv" '{"pipeline_id":"'"$pipeline"'","mapping":[
  {"column":"opportunity_id","field":"external_id"},{"column":"sales_agent","field":"owner"},
  {"column":"product","field":"product","values":[{"from":"GTXPro","to":"GTX Pro"}]},
  {"column":"account","field":"company"},{"column":"deal_stage","field":"stage"},
  {"column":"engage_date","field":"entered.Engaging"},{"column":"close_date","field":"closed_at"},{"column":"close_value","field":"value"}]}'

say 'The current funnel'
get "/analytics/funnel?kind=snapshot&pipeline_id=$pipeline"
say 'Win rate'
get "/analytics/win-rate?pipeline_id=$pipeline"
say 'Win rate by quarter'
curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'Accept: text/csv' "$api/analytics/win-rate?group_by=quarter&pipeline_id=$pipeline"
say 'Win rate by product'
curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'Accept: text/csv' "$api/analytics/win-rate?group_by=product&pipeline_id=$pipeline"
say 'Days to win and to lose'
curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'Accept: text/csv' "$api/analytics/cycle-time?pipeline_id=$pipeline"
say 'The best seller'
best=$(get "/analytics/leaderboard?pipeline_id=$pipeline")
echo "${best:0:600}"
printf '\n{"base_url":"%s","access_token":"%s","pipeline_id":"%s"}\n' "$base" "$token" "$pipeline"
