"""The main story, with the client generated from the document: a lead becomes a won deal, and the funnel shows it."""

import sys
import time

from voronka_client import AuthenticatedClient, Client
from voronka_client.api.analytics import get_funnel
from voronka_client.api.auth import register_workspace
from voronka_client.api.deals import get_deal, list_deals, update_deal, win_deal
from voronka_client.api.leads import convert_lead, create_lead
from voronka_client.api.tasks import create_task
from voronka_client.models import (
    Category, DealsInclude, DealUpdate, DealWin, FunnelKind, LeadConversion, LeadCreate, LeadPersonInput, Money, Problem, Registration, TaskCreate,
)

base_url = sys.argv[1]
session = register_workspace.sync(
    client=Client(base_url=base_url),
    body=Registration(workspace_name="Python", name="Anna", email=f"py-{time.time_ns()}@example.com", password="choose-a-good-one"),
)
assert not isinstance(session, Problem) and session is not None, session
api = AuthenticatedClient(base_url=base_url, token=session.access_token)

lead = create_lead.sync(
    client=api,
    body=LeadCreate(
        title="A boat", person=LeadPersonInput(name="Eva Stone", email="eva@stone.example"), value=Money(amount=150000, currency="EUR")
    ),
)
converted = convert_lead.sync(lead.id, client=api, body=LeadConversion())
deal = converted.deal
assert converted.contact.last_name == "Stone"
create_task.sync(client=api, body=TaskCreate(title="Send a quote", deal_id=deal.id))
won = win_deal.sync(deal.id, client=api, body=DealWin())
assert won.status == "won", won
listed = list_deals.sync(client=api, status=[Category.CATEGORY_WON], include=[DealsInclude.DEALS_INCLUDE_OWNER])
assert listed.data[0].value.amount == 150000 and listed.included.users[0].name == "Anna"
changed = update_deal.sync(deal.id, client=api, body=DealUpdate(next_step="Deliver"))
assert changed.next_step == "Deliver"
funnel = get_funnel.sync(client=api, kind=FunnelKind.FUNNEL_KIND_COHORT)
assert funnel.groups[0].won == 1
missing = get_deal.sync(lead.id, client=api)
assert isinstance(missing, Problem) and missing.code == "not_found", missing
print("the Python story holds")
