// One page of each kind: where it is, who reads it, and what is sent before it stands there.
import {
  Client, PASSWORD, SHOP, advance, api, decoded, equal, follow, formTo, idle, leftOut, mainOf, messagesTo, newEmail,
  newPhone, until,
} from "./lib.mjs";
import {
  addTo, appCode, deliver, filled, newcomer, orderOf, sendFile, sendForm, sendFrom, signIn, soldTo, withApp,
} from "./acts.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";

/**
 * What most people see, which is looked at in other languages too: the words of the others stand on these as well.
 */
const MAIN = [
  "home", "category", "product", "shop", "search", "nothing found", "not found", "cart", "address", "mended",
  "delivery", "payment", "order", "cancelling", "link", "giving back", "text /delivery", "/sign-in", "/sign-up",
  "/account", "/account/addresses", "/account/security", "/desk", "/desk/products/new", "a product at the desk",
  "a new order at the desk", "one import", "columns", "/desk/shop", "applying", "/operate", "one of /operate/orders",
  "one of /operate/vendors",
];

async function signedIn(contact) {
  const client = new Client();
  equal((await signIn(client, contact)).status, 303, `signing in as ${contact}`);
  return client;
}

const ofEverybody = () =>
  [
    ["home", "/en/"],
    ["list", "/en/products"],
    ["category", `/en/c/${CHOSEN.categories[0]}`],
    ["filtered", "/en/products?sort=price&min=10&max=20"],
    ["product", `/en/p/${CHOSEN.handle}`],
    ["shop", "/en/v/chorsu-ceramics"],
    ["search", "/en/search?q=bowl"],
    ["nothing found", "/en/search?q=zzzz"],
    ["text /delivery", "/en/delivery"],
    ["text /returns", "/en/returns"],
    ["text /privacy", "/en/privacy"],
    ["text /terms", "/en/terms"],
    ["offline", "/en/offline"],
    ["not found", "/en/nothing"],
    ["an empty cart", "/en/cart"],
    ["every component", "/_local/pages?language=uz"],
    ["a home page of every component", "/_local/pages/home?language=uz"],
    ["a list of every component", "/_local/pages/list?language=ru"],
    ["a product of every component", "/_local/pages/product?language=zh"],
    ["a product that is sold out", "/_local/pages/sold-out?language=uz"],
    ["a missing page of every component", "/_local/pages/missing?language=en"],
  ].map(([kind, path]) => ({ kind, path, client: new Client() }));

/** The link of a message whose order nobody has. */
function ofDeadLink() {
  const path = "/r/ord_00000000000000000000000001.nothing";
  return { kind: "a dead link", path, client: new Client(), status: 404, sends: [{ action: path }] };
}

/** An order that waits for its payment, on the page of the provider and on its own. */
async function unpaid(guest) {
  await addTo(guest, CHOSEN.handle);
  await orderOf(guest, newEmail("unpaid"), { stops: true });
  const { to } = await sendForm(guest, "/en/checkout/payment", { provider: "stripe" });
  const { pathname, search } = new URL(to, "http://localhost");
  if (pathname.includes("/orders/")) {
    leftOut("pages of an unpaid order: no hosted page to leave");
    return [];
  }
  const left = await guest.post(pathname + search, { do: "leave" });
  const order = (await guest.get(new URL(left.headers.location, "http://localhost").pathname)).path.split("?")[0];
  return [
    { kind: "the sandbox's page of payment", path: pathname + search, client: guest },
    { kind: "an unpaid order", path: order, client: guest },
  ];
}

async function ofGuest() {
  const guest = new Client();
  await addTo(guest, CHOSEN.handle);
  const { path: order } = await orderOf(guest, newEmail("audit"));
  const token = guest.cookies.get("orders").split("!")[0].split(".")[1];
  const pages = await unpaid(guest);
  await addTo(guest, CHOSEN.handle);
  await addTo(guest, SOUGHT.handle);
  await orderOf(guest, newEmail("audit"), { stops: true });
  for (const [kind, path] of [
    ["cart", "/en/cart"],
    ["address", "/en/checkout"],
    ["delivery", "/en/checkout/delivery"],
    ["payment", "/en/checkout/payment"],
    ["order", order],
    ["cancelling", `${order}/cancel`],
    ["link", `/r/${order.split("/").at(-1)}.${token}`],
  ])
    pages.push({ kind, path, client: guest });
  const mistakes = { "contact.email": "nobody", "address.name": "" };
  pages.push({
    kind: "mended",
    path: "/en/checkout",
    client: guest,
    status: 400,
    sends: [{ action: "/en/checkout", fields: mistakes }],
  });
  return pages;
}

/** Orders that have come to an end without goods, and one whose card was declined. */
async function ofEndedOrders() {
  const guest = new Client();
  const leave = async (acts) => {
    await addTo(guest, CHOSEN.handle);
    await orderOf(guest, newEmail("ended"), { stops: true });
    const { to } = await sendForm(guest, "/en/checkout/payment", { provider: "stripe" });
    const { pathname, search } = new URL(to, SHOP);
    if (pathname.includes("/orders/")) return undefined;
    let answer;
    for (const act of acts) answer = await guest.post(pathname + search, { do: act });
    return (await guest.get(new URL(answer.headers.location, SHOP).pathname)).path.split("?")[0];
  };
  const says = async (path, words) => {
    await idle();
    await until(`"${words}" on ${path}`, async () => mainOf((await guest.get(path)).text).includes(words));
  };
  await addTo(guest, CHOSEN.handle);
  const { path: cancelled } = await orderOf(guest, newEmail("ended"));
  equal((await sendForm(guest, `${cancelled}/cancel`, {})).status, 303, "the answer to cancelling");
  await says(cancelled, "Cancelled");
  const pages = [{ kind: "a cancelled order", path: cancelled, client: guest }];
  // Before the others: they would expire too.
  const expired = await leave(["leave"]);
  if (!expired) {
    leftOut("pages of an expired and of an unsuccessful payment: no hosted page to leave");
    return pages;
  }
  await advance("61m");
  await says(expired, "Not paid in time");
  const failed = await leave(["decline", "leave"]);
  await says(failed, "The payment did not go through");
  pages.push({ kind: "an expired order", path: expired, client: guest });
  pages.push({ kind: "an order whose payment has failed", path: failed, client: guest });
  return pages;
}

/** Whoever is not signed in yet: each page after a step belongs to a browser that has taken the step. */
async function ofSigningIn() {
  const nobody = new Client();
  const pages = ["/sign-in", "/sign-in/code", "/sign-up", "/reset"].map((path) => ({
    kind: path,
    path: `/en${path}`,
    client: nobody,
  }));
  const send = (kind, path, fields, status) => {
    pages.push({ kind, path, client: nobody, status, sends: [{ action: path, fields }] });
  };
  send("a wrong password", "/en/sign-in", () => ({ contact: newEmail("nobody"), password: "not the password" }), 401);
  send("a weak password", "/en/sign-up", () => ({ contact: newEmail("weak"), password: "short", name: "Weak" }), 400);
  for (const [kind, ask, enter, fields] of [
    ["entering the code of a sign-in", "/en/sign-in/code", "/en/sign-in/code/enter", { contact: "buyer@bozor.test" }],
    [
      "confirming",
      "/en/sign-up",
      "/en/confirm",
      { contact: newEmail("confirms"), password: PASSWORD, name: "Confirms" },
    ],
    ["entering the code of a reset", "/en/reset", "/en/reset/enter", { contact: newEmail("reset") }],
  ]) {
    const client = new Client();
    equal((await sendForm(client, ask, fields)).to, enter, `after ${ask}`);
    pages.push({ kind, path: enter, client });
  }
  return pages;
}

async function ofAccount() {
  // Lists with something in them have other parts than empty ones.
  const email = newEmail("lives");
  const buyer = await newcomer(email);
  const home = { name: "Aziza Karimova", region: "Toshkent", district: "Yunusobod", line1: "Navoiy 12" };
  const kept = await sendForm(buyer, "/en/account/addresses", { ...home, phone: newPhone() });
  equal(kept.status, 303, "the answer to an address");
  await addTo(buyer, CHOSEN.handle);
  await orderOf(buyer, email);
  await addTo(buyer, CHOSEN.handle);
  const at = ["", "/orders", "/addresses", "/profile", "/contact", "/security", "/sessions", "/privacy"].map(
    (path) => `/account${path}`,
  );
  const pages = [...at, "/sign-out"].map((path) => ({ kind: path, path: `/en${path}`, client: buyer }));
  pages.push({ kind: "address, for who has a book", path: "/en/checkout", client: buyer });
  const bare = await newcomer(newEmail("bare"));
  for (const path of ["/account", "/account/orders", "/account/addresses"]) {
    pages.push({ kind: `an empty ${path}`, path: `/en${path}`, client: bare });
  }
  const changes = await newcomer(newEmail("changes"));
  const asked = await sendForm(changes, "/en/account/contact", { contact: newEmail("changed") });
  equal(asked.to, "/en/account/contact/enter", "after asking for another contact");
  pages.push({ kind: "entering the code of a contact", path: asked.to, client: changes });
  const security = "/en/account/security";
  pages.push({ kind: "a new app", path: security, client: changes, sends: [{ action: `${security}/app` }] });
  const app = await withApp();
  pages.push({ kind: "security with an app", path: security, client: app.client });
  const code = async () => ({ code: await appCode(app.secret) });
  pages.push({
    kind: "recovery codes",
    path: security,
    client: app.client,
    sends: [{ action: `${security}/codes`, fields: code }],
  });
  const challenged = new Client();
  // It ends with its fifth wrong code, and after five minutes.
  const renew = async () => {
    equal((await signIn(challenged, app.email)).headers.location, "/en/challenge", "after the password");
  };
  const challenge = { path: "/en/challenge", client: challenged, renew };
  const wrong = [{ action: "/en/challenge", fields: { code: "000000" } }];
  pages.push({ ...challenge, kind: "challenge" });
  pages.push({ ...challenge, kind: "challenge with a wrong code", status: 400, sends: wrong });
  return pages;
}

/** A dry run whose columns nobody knows, and one with a refused row. */
async function imports(seller) {
  const read = async (text) => {
    const sent = await sendFile(seller, "/desk/imports", { name: "kinds.csv", type: "text/csv", bytes: text });
    equal(sent.status, 303, "the answer to a file");
    await until("the end of the look through the file", async () => {
      await idle();
      return !(await seller.get(sent.to)).text.includes('http-equiv="refresh"');
    });
    return sent.to;
  };
  const refused = await read(
    "Handle,Title,Variant Inventory Qty,Variant Price\r\nkinds-a,A,1,5.00\r\nkinds-b,B,1,cheap\r\n",
  );
  const unknown = await read("Kod,Nomi,Narxi\r\nkinds-c,C,5.00\r\n");
  const columns = decoded((await seller.get(unknown)).text.match(/href="(\/desk\/imports\/columns[^"]*)"/)?.[1] ?? "");
  return [
    { kind: "one import", path: refused, client: seller },
    { kind: "an import of unknown columns", path: unknown, client: seller },
    { kind: "columns", path: columns, client: seller },
    { kind: "no columns", path: "/desk/imports/columns", client: seller },
  ];
}

async function invitation(path, contact, json, token) {
  await api(path, { token, json: { contact, ...json }, headers: { "idempotency-key": contact } });
  const found = await until(`an invitation of ${contact}`, async () => {
    const texts = (await messagesTo(contact)).map(({ text }) => text);
    return texts.map((text) => text.match(/\/(?:desk|operate)\/invitations\/[^\s?]+/)?.[0]).find(Boolean);
  });
  return found;
}

async function tokenOf(contact) {
  return (await api("/auth/sign-in", { json: { contact, password: PASSWORD } })).json.access_token;
}

async function ofDesk() {
  const seller = await signedIn("vendor@bozor.test");
  const guest = new Client();
  const unlike = await soldTo(guest, seller);
  const given = await soldTo(guest, seller);
  await deliver(seller, given.sold, { carrier: "Uzpost", tracking_number: "UZ1" });
  const back = decoded((await guest.get(given.path)).text.match(/href="([^"]*\/return\?part=[^"]*)"/)[1]);
  const asks = { kind: "giving back", path: back, client: guest };
  const returned = await soldTo(guest, seller);
  await deliver(seller, returned.sold);
  const form = decoded((await guest.get(returned.path)).text.match(/href="([^"]*\/return\?part=[^"]*)"/)[1]);
  const units = (await guest.get(form)).text.match(/name="(units\.[^"]+)"/)[1];
  const asked = await sendFrom(guest, form, `${returned.path}/return`, { [units]: "1", reason: "damaged" });
  equal(asked.status, 303, "asking to return");
  const pages = ["", "/orders", "/products", "/products/new", "/imports", "/shop", "/shop/documents"]
    .map((path) => `/desk${path}`)
    .map((path) => ({ kind: path, path, client: seller }));
  const product = (await seller.get("/desk/products")).text.match(/href="(\/desk\/products\/prd_\w+)"/)[1];
  const mistakes = [{ action: "/desk/products/new", fields: { title: "Nothing else" } }];
  const newPerson = await newcomer(newEmail("applies"));
  const empty = [{ action: "/desk/apply", fields: { name: "" } }];
  const invited = newEmail("joins");
  pages.push(
    asks,
    { kind: "a product at the desk", path: product, client: seller },
    { kind: "texts of a product", path: `${product}/texts/ru`, client: seller },
    { kind: "a new product mended", path: "/desk/products/new", client: seller, status: 400, sends: mistakes },
    { kind: "a new order at the desk", path: unlike.sold, client: seller },
    { kind: "a delivered order at the desk", path: given.sold, client: seller },
    { kind: "a return at the desk", path: returned.sold, client: seller },
    { kind: "a delivered order", path: given.path, client: guest },
    { kind: "an order with a return", path: returned.path, client: guest },
    { kind: "a label", path: `${given.sold}/label`, client: seller },
    ...(await imports(seller)),
    { kind: "applying", path: "/desk/apply", client: newPerson },
    { kind: "applying mended", path: "/desk/apply", client: newPerson, status: 400, sends: empty },
    {
      kind: "an invitation to a shop",
      path: await invitation(
        "/vendors/me/invitations",
        invited,
        { role: "fulfilment" },
        await tokenOf("vendor@bozor.test"),
      ),
      client: await newcomer(invited),
    },
    { kind: "the desk, for who has no shop", path: "/desk/orders", client: newPerson, leadsTo: "/desk/apply" },
    { kind: "the operator's desk, for somebody else", path: "/operate", client: seller, status: 403 },
  );
  return pages;
}

async function ofOperator() {
  const operator = await signedIn("admin@bozor.test");
  const linked = async (page, pattern) => {
    const found = [...(await operator.get(page)).text.matchAll(/href="([^"?#]+)"/g)].map(([, href]) => href);
    return [...new Set(found.filter((href) => pattern.test(href)))];
  };
  const areas = await linked("/operate/settings/limits", /^\/operate\/settings\/\w+$/);
  const texts = await linked("/operate/texts", /^\/operate\/texts\/\w+$/);
  const lists = ["amount-mismatches", "failed-refunds", "open-disputes", "late-orders", "expired-papers"];
  const waiting = lists.map((list) => `/operate/waiting/${list}`);
  const own = ["/operate", "/operate/vendors", "/operate/orders", "/operate/texts", ...waiting];
  const pages = [...own, ...areas, ...texts].map((path) => ({ kind: path, path, client: operator }));
  const [setting] = await linked("/operate/settings/limits", /^\/operate\/settings\/\w+\/\w+/);
  pages.push({ kind: "one setting", path: setting, client: operator });
  const part = (await operator.get(setting)).text.match(/name="(value\/[^"]+)"/)[1];
  const wrong = [{ action: setting, fields: { [part]: "many" } }];
  pages.push({ kind: "one setting as JSON", path: `${setting}?as=json`, client: operator });
  pages.push({ kind: "one setting mended", path: setting, client: operator, status: 400, sends: wrong });
  for (const list of ["orders", "vendors?state=approved"]) {
    const [one] = await linked(`/operate/${list}`, new RegExp(`^/operate/${list.split("?")[0]}/\\w+$`));
    pages.push({ kind: `one of /operate/${list.split("?")[0]}`, path: one, client: operator });
  }
  const invited = newEmail("operates");
  const token = await tokenOf("admin@bozor.test");
  pages.push({
    kind: "an invitation to the marketplace",
    path: await invitation("/admin/members/invitations", invited, { role: "support" }, token),
    client: await newcomer(invited),
  });
  return pages;
}

/** One page of each kind, in English. */
export async function kinds(has) {
  // The first ones let an hour go by.
  const ended = await ofEndedOrders();
  const all = [...ofEverybody(), ofDeadLink(), ...ended, ...(await ofGuest())];
  if (has.account) all.push(...(await ofSigningIn()), ...(await ofAccount()));
  else leftOut("pages of who signs in: /en/sign-in is not there");
  if (has.account && has.desk) all.push(...(await ofDesk()));
  else leftOut("pages of a seller: /desk is not there");
  if (has.account && has.operate) all.push(...(await ofOperator()));
  else leftOut("pages of the operator: /operate is not there");
  const lost = all.filter(({ path }) => !path).map(({ kind }) => kind);
  equal(lost, [], "kinds to which nothing leads");
  const isWhole = has.account && has.desk && has.operate;
  const unknown = MAIN.filter((name) => !all.some(({ kind }) => kind === name));
  if (isWhole) equal(unknown, [], "main kinds that are no kinds");
  return all.map((page) => ({ status: page.kind === "not found" ? 404 : 200, leadsTo: page.path, sends: [], ...page }));
}

/** The main kinds in another language, which a cookie says where the path says none. */
export function inLanguage(pages, language) {
  const readers = new Map();
  const speaking = (client) => {
    if (!readers.has(client)) {
      const other = new Client();
      other.cookies = new Map([...client.cookies, ["language", language]]);
      readers.set(client, other);
    }
    return readers.get(client);
  };
  const at = (path) => path.replace(/^\/en\//, `/${language}/`);
  return pages
    .filter(({ kind }) => MAIN.includes(kind))
    .map((page) => ({
      ...page,
      kind: `${page.kind}, ${language}`,
      language,
      path: at(page.path),
      leadsTo: at(page.leadsTo),
      client: speaking(page.client),
      sends: page.sends.map((form) => ({ ...form, action: at(form.action) })),
    }));
}

/** What is typed into a form; a code is new each time. */
const typed = async ({ fields = {} }) => (typeof fields === "function" ? fields() : fields);

/** The answer of a page to a client, after the forms that lead to it. */
export async function answerOf({ client, path, sends, renew }) {
  await renew?.();
  const packed = { "accept-encoding": "gzip" };
  let answer = await client.get(path, packed);
  for (const form of sends) {
    const fields = filled(formTo(answer.text, form.action), await typed(form));
    answer = { ...(await client.post(form.action, fields, { ...packed, origin: SHOP })), path: answer.path };
  }
  return answer;
}

/** Leads a browser to a page, by its forms. */
export async function show(page, { client, path, sends, renew }) {
  await renew?.();
  if (renew) await client.lendTo(page.context());
  let response = await page.goto(path);
  for (const form of sends) {
    const shown = page.locator(`main form[action="${form.action}"]`).first();
    for (const [name, text] of Object.entries(await typed(form))) await shown.locator(`[name="${name}"]`).fill(text);
    // What a browser would not let its reader send is asked of the server too.
    await shown.evaluate((element) => (element.noValidate = true));
    response = await follow(page, () => shown.locator("button").first().click());
  }
  return response;
}
