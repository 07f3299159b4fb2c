// Two sellers with a role of the workspace's own: each works with what is theirs, what is not theirs is not there, the owner sees it all.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";
import { equal, must, refused } from "./expect.js";

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("usage: two-users BASE_URL");
type Client = ReturnType<typeof createClient<paths>>;
type Visibility = components["schemas"]["Visibility"];

const anonymous = createClient<paths>({ baseUrl });
const bearing = (token: string): Client => createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const password = "choose-a-good-one";
const stamp = Date.now();
const eur = (amount: number) => ({ amount, currency: "EUR" });

const owner = bearing(
  must(
    await anonymous.POST("/api/v1/auth/register", {
      body: { workspace_name: "Two", name: "Olga", email: `olga-${stamp}@example.com`, password, base_currency: "EUR" },
    }),
  ).access_token,
);

const grant = (resource: string, read: Visibility, write: Visibility = "none", remove: Visibility = "none") => ({
  resource, read, create: write, update: write, delete: remove, export: "none" as const,
});
const role = must(
  await owner.POST("/api/v1/roles", {
    body: {
      key: "agent",
      name: "Agent",
      grants: [
        grant("deals", "own", "own"),
        grant("contacts", "team", "own"),
        ...["pipelines", "stages", "users", "teams", "analytics"].map((resource) => grant(resource, "all")),
      ],
      hidden_fields: [{ resource: "contacts", field: "phone" }],
    },
  }),
);
equal([role.builtin, role.hidden_fields], [false, [{ resource: "contacts", field: "phone" }]]);
const team = must(await owner.POST("/api/v1/teams", { body: { name: "North" } }));

async function signedIn(name: string, team_id?: string): Promise<{ id: string; api: Client }> {
  const email = `${name}-${stamp}@example.com`;
  const user = must(
    await owner.POST("/api/v1/users", { body: { name, email, password, role: role.key, ...(team_id && { team_id }) } }),
  );
  equal([user.status, user.role], ["active", "agent"]);
  const session = must(await anonymous.POST("/api/v1/auth/login", { body: { email, password } }));
  equal(session.user_id, user.id);
  return { id: user.id, api: bearing(session.access_token) };
}
const [ann, bob, far] = [await signedIn("ann", team.id), await signedIn("bob", team.id), await signedIn("far")];
equal(must(await ann.api.GET("/api/v1/me")).user.team_id, team.id);

const contact = must(
  await ann.api.POST("/api/v1/contacts", {
    body: { first_name: "Eva", email: `eva-${stamp}@stone.example`, phone: "+372 5550 1011", owner_id: ann.id },
  }),
);
const sell = async (api: Client, title: string, amount: number) =>
  must(await api.POST("/api/v1/deals", { body: { title, value: eur(amount), expected_close_date: "2031-03-01" } }));
const [boat, mast, tent] = [await sell(ann.api, "A boat", 150000), await sell(ann.api, "A mast", 20000), await sell(bob.api, "A tent", 3000)];
equal([boat.owner_id, tent.owner_id], [ann.id, bob.id]);

// Lists and their totals.
async function deals(api: Client): Promise<[number | null, ...string[]]> {
  const list = must(await api.GET("/api/v1/deals", { params: { query: { include_total: true, sort: "number" } } }));
  return [list.page.total, ...list.data.map((deal) => deal.title)];
}
equal(await deals(ann.api), [2, "A boat", "A mast"]);
equal(await deals(bob.api), [1, "A tent"]);
equal(await deals(far.api), [0]);
equal(await deals(owner), [3, "A boat", "A mast", "A tent"]);

// What one does not see is not there, whatever one does with it.
const its = (deal_id: string) => ({ params: { path: { deal_id } } });
equal(must(await ann.api.GET("/api/v1/deals/{deal_id}", its(boat.id))).value, eur(150000));
refused(await bob.api.GET("/api/v1/deals/{deal_id}", its(boat.id)), 404, "not_found");
refused(await bob.api.PATCH("/api/v1/deals/{deal_id}", { ...its(boat.id), body: { title: "Mine" } }), 404, "not_found");
refused(await bob.api.POST("/api/v1/deals/{deal_id}/win", { ...its(boat.id), body: {} }), 404, "not_found");
const batch = must(
  await bob.api.POST("/api/v1/deals/batch-update", {
    body: { atomic: false, items: [{ id: boat.id, changes: { title: "Mine" } }, { id: tent.id, changes: { next_step: "Call" } }] },
  }),
);
equal([batch.succeeded, batch.failed], [1, 1]);
equal(batch.results.map((result) => [result.index, result.status]), [[0, 404], [1, 200]]);
equal(batch.results[0]?.error?.code, "not_found");
equal(must(await owner.GET("/api/v1/deals/{deal_id}", its(boat.id))).title, "A boat");

// What one sees but may not do.
refused(await ann.api.DELETE("/api/v1/deals/{deal_id}", its(boat.id)), 403, "forbidden");
const hers = { params: { path: { contact_id: contact.id } } };
refused(await bob.api.PATCH("/api/v1/contacts/{contact_id}", { ...hers, body: { position: "CEO" } }), 403, "forbidden");
refused(await bob.api.GET("/api/v1/leads"), 403, "forbidden");
refused(await bob.api.POST("/api/v1/users", { body: { name: "A friend" } }), 403, "forbidden");
refused(await bob.api.POST("/api/v1/roles", { body: { key: "king", name: "King", grants: [] } }), 403, "forbidden");

// A contact is seen in the team, and its phone by nobody with the role, not even who wrote it.
equal([contact.phone, contact.phones], [null, []]);
for (const { api } of [ann, bob]) {
  const seen = must(await api.GET("/api/v1/contacts/{contact_id}", hers));
  equal([seen.first_name, seen.phone, seen.phones], ["Eva", null, []]);
  equal(must(await api.GET("/api/v1/contacts")).data.map((row) => [row.id, row.phone]), [[contact.id, null]]);
}
refused(await bob.api.GET("/api/v1/contacts", { params: { query: { phone: ["+37255501011"] } } }), 400, "unknown_parameter");
refused(await far.api.GET("/api/v1/contacts/{contact_id}", hers), 404, "not_found");
equal(must(await far.api.GET("/api/v1/contacts")).data, []);
equal(must(await owner.GET("/api/v1/contacts/{contact_id}", hers)).phone, "+37255501011");

// Reports count what each sees.
must(await ann.api.POST("/api/v1/deals/{deal_id}/win", { ...its(boat.id), body: {} }));
async function reports(api: Client) {
  const won = must(await api.GET("/api/v1/analytics/win-rate")).groups[0];
  const ahead = must(await api.GET("/api/v1/analytics/forecast")).groups[0];
  const months = ahead?.months.map(({ month, figures }) => [month, figures.count, figures.value]) ?? [];
  return [won?.won, won?.won_value, months.filter(([, count]) => count !== 0)];
}
equal(await reports(ann.api), [1, [eur(150000)], [["2031-03", 1, [eur(20000)]]]]);
equal(await reports(bob.api), [0, [], [["2031-03", 1, [eur(3000)]]]]);
equal(await reports(far.api), [0, [], []]);
equal(await reports(owner), [1, [eur(150000)], [["2031-03", 2, [eur(23000)]]]]);
refused(await bob.api.GET("/api/v1/deals/{deal_id}", its(boat.id)), 404, "not_found");

// Handed over, a deal changes sides at once.
must(await owner.PATCH("/api/v1/deals/{deal_id}", { ...its(mast.id), body: { owner_id: bob.id } }));
equal(await deals(bob.api), [2, "A mast", "A tent"]);
refused(await ann.api.GET("/api/v1/deals/{deal_id}", its(mast.id)), 404, "not_found");
console.log("the story of two users holds");
