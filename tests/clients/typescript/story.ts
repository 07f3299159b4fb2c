// The main story, with the client generated from the document: a lead becomes a won deal, and the funnel shows it.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";
import { equal, must, refused } from "./expect.js";

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("usage: story BASE_URL");
const anonymous = createClient<paths>({ baseUrl });

const email = `ts-${Date.now()}@example.com`;
const session = must(
  await anonymous.POST("/api/v1/auth/register", {
    body: { workspace_name: "TypeScript", name: "Anna", email, password: "choose-a-good-one", base_currency: "EUR" },
  }),
);
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${session.access_token}` } });

const lead = must(
  await api.POST("/api/v1/leads", {
    body: { title: "A boat", person: { name: "Eva Stone", email: "eva@stone.example" }, value: { amount: 150000, currency: "EUR" } },
  }),
);
const converted = must(
  await api.POST("/api/v1/leads/{lead_id}/convert", { params: { path: { lead_id: lead.id } }, body: {} }),
);
const deal = converted.deal;
if (!deal) throw new Error("no deal");
equal(converted.contact?.last_name, "Stone");
must(await api.POST("/api/v1/tasks", { body: { title: "Send a quote", deal_id: deal.id, due_date: "2031-03-01" } }));
const won = must(await api.POST("/api/v1/deals/{deal_id}/win", { params: { path: { deal_id: deal.id } }, body: {} }));
equal(won.status, "won");
const list = must(await api.GET("/api/v1/deals", { params: { query: { status: ["won"], include: ["owner"], sort: "-created_at" } } }));
equal(list.data[0]?.value?.amount, 150000);
equal(list.included.users[0]?.name, "Anna");
const cleared = must(
  await api.PATCH("/api/v1/deals/{deal_id}", { params: { path: { deal_id: deal.id } }, body: { clear: ["source_id"], next_step: "Deliver" } }),
);
equal(cleared.next_step, "Deliver");
const funnel = must(await api.GET("/api/v1/analytics/funnel", { params: { query: { kind: "cohort" } } }));
equal(funnel.groups[0]?.won, 1);
const missing = await api.GET("/api/v1/deals/{deal_id}", { params: { path: { deal_id: lead.id } } });
refused(missing, 404, "not_found");
console.log("the TypeScript story holds");
