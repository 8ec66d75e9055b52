// Markup in every field that a seller or a buyer writes: whoever reads it sees what was typed, and nothing of it runs.
import {
  Client, PASSWORD, SHOP, advance, alone, api, assert, decoded, equal, follow, formTo, idle, leftOut, messagesTo,
  newEmail, newPhone, offered, pathOf, person, road, send, until,
} from "./lib.mjs";
import { addTo, atTheDesk, deliver, newcomer, sendFile, sendForm, sendFrom, signIn, soldTo } from "./acts.mjs";
import { picture } from "./desk.mjs";

/** Ends a script, and an attribute; the field's name tells where it is shown. */
const typed = (field) => `</script><b>bold</b> "><img src=x onerror=alert(1)> ${field}`;
const mark = Date.now().toString(36);

/** Nothing that was typed is an element of the page, and the page says it as it was typed. */
async function isText(page, what, texts) {
  const made = await page.locator("img[src='x'], b:text-is('bold'), [onerror], [onclick]").count();
  equal(made, 0, `elements that were typed, on ${what}`);
  const text = await page.evaluate(() => {
    const values = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
    const chosen = [...document.querySelectorAll("option")].map((option) => option.textContent);
    return [document.title, document.body.innerText, ...values, ...chosen].join("\n");
  });
  const missing = texts.filter((one) => !text.includes(one));
  equal(missing, [], `not shown as it was typed, on ${what}`);
}

/** A name of a file: a browser sends no quotation mark in it, and what is before a slash is a folder. */
const fileName = (name) => `<img src=x onerror=alert(1)><b>bold<b> ${name}`;

/** A browser of somebody who is signed in, which looks at pages. */
async function reader(client) {
  const who = await person();
  const look = async (path, fields, more = []) => {
    await client.lendTo(who.context);
    const response = await who.page.goto(path);
    equal([response.status(), pathOf(who.page)], [200, path.split("?")[0]], "the page");
    await isText(who.page, path, [...fields.map(typed), ...more]);
  };
  return { ...who, look };
}

async function signedIn(contact) {
  const client = new Client();
  equal((await signIn(client, contact)).status, 303, `signing in as ${contact}`);
  return client;
}

const tokenOf = async (contact) =>
  (await api("/auth/sign-in", { json: { contact, password: PASSWORD } })).json.access_token;

const sent = (answer, what) => {
  const said = decoded(answer.text)
    .match(/role="alert".*?<\/div>/s)?.[0]
    .replace(/<[^>]*>/g, " ");
  assert(answer.status === 303, `${what} is answered ${answer.status}: ${said?.slice(0, 300)}`);
  return answer;
};

const IDENTITY = ["legal name", "tax number", "register number", "address of the shop"];

/** A shop that is applied for, refused, applied for again and approved. */
async function openShop(t, world) {
  const { seller, operator } = world;
  await t.step("a shop's name, text and identity, at its desk", async () => {
    const form = await seller.client.get("/desk/apply");
    const terms = form.text.includes('name="terms"') ? { terms: "1" } : {};
    const file = {
      name: typed("name of the shop"),
      handle: world.handle,
      about: `${typed("about")}\n${typed("second line")}`,
      email: world.email,
      phone: newPhone(),
      language: "en",
      legal_name: typed("legal name"),
      kind: "company",
      country: "UZ",
      tax_id: typed("tax number"),
      register_no: typed("register number"),
      address: typed("address of the shop"),
      currency: "USD",
      shipping_rate: "5",
      ...terms,
    };
    sent(await sendForm(seller.client, "/desk/apply", file), "the application");
    await seller.look("/desk/shop", ["name of the shop", "about", "second line", ...IDENTITY]);
    await seller.look("/desk", ["name of the shop"]);
  });
  await t.check("the name of a paper", async () => {
    const name = fileName("paper.png");
    const file = { name, type: "image/png", bytes: picture(64) };
    const options = (await seller.client.get("/desk/shop/documents")).text.match(
      /<select[^>]*name="kind".*?<\/select>/s,
    )[0];
    const kind = [...options.matchAll(/value="(\w+)"/g)].map(([, value]) => value).find((value) => value !== "licence");
    const answer = await sendFile(seller.client, "/desk/shop/documents", file, { kind });
    sent(answer, "the paper");
    world.papers = [name];
    await seller.look("/desk/shop/documents", [], world.papers);
  });
  const submit = async () => sent(await sendFrom(seller.client, "/desk/shop", "/desk/shop/submit", {}), "submitting");
  const decide = async (step, fields) => {
    await idle();
    sent(await sendFrom(operator.client, world.vendor, `${world.vendor}/${step}`, fields), step);
    await idle();
  };
  await t.step("the application, at the operator's desk", async () => {
    await submit();
    await idle();
    await operator.look("/operate/vendors?state=submitted", ["name of the shop"]);
    world.vendor = await operator.page.locator(`main a:has-text("name of the shop")`).first().getAttribute("href");
    await operator.look(world.vendor, ["name of the shop", "about", ...IDENTITY], world.papers ?? []);
  });
  await t.step("the reason of a refusal, at the seller's desk", async () => {
    await decide("reject", { reason: typed("refused") });
    await seller.look("/desk/shop", ["refused"]);
    await operator.look(world.vendor, ["refused"]);
    await submit();
    await decide("approve", { same_name: "1" });
  });
  await t.check("the shop's page shows its name, its text and its identity to buyers", async () => {
    await world.anybody.look(`/en/v/${world.handle}`, ["name of the shop", "about", "second line", ...IDENTITY]);
  });
}

async function products(t, world) {
  const { seller, anybody } = world;
  await t.step("a product of the desk", async () => {
    const fields = {
      title: typed("title of one"),
      description: `${typed("description")}\n${typed("second line")}`,
      price: "12.50",
      stock: "9",
      handle: `${world.handle}-one`,
      visibility: "publish",
    };
    world.one = sent(await sendForm(seller.client, "/desk/products/new", fields), "the product").to.split("?")[0];
    await seller.look(world.one, ["title of one", "description", "second line"]);
    await seller.look("/desk/products", ["title of one"]);
  });
  await t.step("a product with options, and HTML in its description", async () => {
    const { json } = await api("/auth/sign-in", { json: { contact: world.email, password: PASSWORD } });
    const key = (what) => ({ "idempotency-key": `${mark}-${what}` });
    const option = typed("option");
    const values = [typed("value one"), typed("value two")];
    const price = { amount: "8.00", currency: "USD" };
    const written = {
      title: typed("title of many"),
      handle: `${world.handle}-many`,
      options: [{ name: option, values }],
      description_html:
        '<p>in plain words</p></script><img src=x onerror="alert(1)"><script>alert(2)</script>' +
        '<a href="javascript:alert(3)">x</a>',
      variants: values.map((value, place) => ({
        sku: `"><img src=x> ${place}`,
        options: { [option]: value },
        price,
        on_hand: 9,
      })),
      manufacturer: typed("maker"),
      importer: typed("importer"),
      tags: [typed("tag").replace(",", "")],
      seo: { title: typed("title for machines"), description: typed("words for machines") },
    };
    const made = await api("/vendor/products", { token: json.access_token, json: written, headers: key("many") });
    world.many = `/desk/products/${made.json.id}`;
    await api(`/vendor/products/${made.json.id}/publish`, {
      token: json.access_token,
      method: "POST",
      headers: key("publish"),
    });
    await idle();
    await seller.look(world.many, ["title of many", "value one", "value two"]);
  });
  await t.step("its texts and the words of its options in another language", async () => {
    const path = `${world.many}/texts/ru`;
    const { fields } = formTo((await seller.client.get(path)).text, path);
    const words = fields.map(([name]) => name).filter((name) => name.startsWith("options/"));
    equal(words.length, 3, "fields of an option and its two values");
    const more = {
      title: typed("Russian title"),
      description_html: `${typed("Russian text")}\n${typed("Russian line")}`,
    };
    for (const part of ["title", "description"]) more[`seo/${part}`] = typed(`Russian ${part} for machines`);
    for (const [place, name] of words.entries()) more[name] = typed(`Russian word ${place}`);
    sent(await sendForm(seller.client, path, more), "the texts");
    await idle();
    await seller.look(path, ["title of many", "option", "Russian text", "Russian line"], Object.values(more).slice(2));
    await seller.look(world.many, ["title of many", "value one"]);
  });
  await t.check("its tags find it at the desk, and are kept by what is changed there", async () => {
    const tag = typed("tag").replace(",", "");
    await seller.look(`/desk/products?q=${encodeURIComponent(tag)}`, ["title of many"], [tag]);
    const token = await tokenOf(world.email);
    const kept = await api(`/vendor/products/${world.many.split("/").at(-1)}`, { token });
    const { tags, manufacturer, importer } = kept.json;
    equal({ tags, manufacturer, importer }, { tags: [tag], manufacturer: typed("maker"), importer: typed("importer") },
      "what the product says");
  });
  await t.step("what buyers see of both", async () => {
    // The shop's page is kept as it was before it had products.
    await advance("6m");
    const isThere = async (name) =>
      (await send("GET", `/en/v/${world.handle}`)).text.includes(`/en/p/${world.handle}-${name}"`);
    for (const name of ["one", "many"]) await until(`the product ${name} in its shop`, () => isThere(name));
    await anybody.look(`/en/p/${world.handle}-one`, [
      "title of one",
      "description",
      "second line",
      "name of the shop",
      ...IDENTITY,
    ]);
    await anybody.look(
      `/en/p/${world.handle}-many`,
      ["title of many", "option", "value one", "value two", "maker", "importer"],
      ["in plain words"],
    );
    const inRussian = [
      "Russian title",
      "Russian text",
      "Russian line",
      ...[0, 1, 2].map((one) => `Russian word ${one}`),
    ];
    await until("the texts in Russian", async () =>
      decoded((await send("GET", `/ru/p/${world.handle}-many`)).text).includes(typed("Russian title")));
    await anybody.look(`/ru/p/${world.handle}-many`, [...inRussian, "maker", "importer"]);
    await anybody.look(`/en/p/${world.handle}-many`, ["title of many"]);
    const unsafe = await anybody.page
      .locator("a[href^='javascript:'], main script:not([type='application/ld+json'])")
      .count();
    equal(unsafe, 0, "scripts of the description");
    await anybody.look(`/en/v/${world.handle}`, ["title of one", "title of many"]);
    await anybody.look(`/en/search?q=${encodeURIComponent("title of one")}`, ["title of one"]);
  });
  await t.check("what machines read of both is what was typed", async () => {
    for (const name of ["one", "many"]) {
      const { text } = await send("GET", `/en/p/${world.handle}-${name}`);
      const found = [...text.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/gs)].map(([, data]) =>
        JSON.parse(data),
      );
      equal(
        found.find((one) => ["Product", "ProductGroup"].includes(one["@type"]))?.name,
        typed(`title of ${name}`),
        "the name",
      );
      const shown = decoded(text.match(/<meta property="og:title" content="([^"]*)"/)?.[1] ?? "");
      assert(
        shown.includes(typed(name === "many" ? "title for machines" : "title of one")),
        `the title of shared links is ${shown}`,
      );
    }
  });
}

const quoted = (cell) => `"${cell.replaceAll('"', '""')}"`;

/** Files of products: their names, their cells in the report and in the desk, and the titles of their columns. */
async function files(t, world) {
  const { seller } = world;
  const bring = async (name, rows) => {
    const bytes = rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
    const file = { name: fileName(name), type: "text/csv", bytes };
    const { to } = sent(await sendFile(seller.client, "/desk/imports", file), "the file");
    await over(to);
    return to;
  };
  const over = (path) =>
    until("the end of the import", async () => {
      await idle();
      return !(await seller.client.get(path)).text.includes('http-equiv="refresh"');
    });
  await t.step("cells of a file, in the report and at the desk", async () => {
    const path = await bring("products.csv", [
      ["Handle", "Title", "Variant Inventory Qty", "Variant Price"],
      [`${world.handle}-of-file`, typed("title of a file"), "1", "5.00"],
      [typed("handle cell"), typed("title cell"), "1", "5.00"],
      [`${world.handle}-refused`, typed("refused title"), "1", typed("price cell")],
    ]);
    await seller.look(path, ["price cell"]);
    const started = sent(await sendFrom(seller.client, path, `${path}/start`, {}), "starting").headers.location;
    await over(started);
    await seller.look(started, ["price cell"]);
    await seller.look("/desk/imports", []);
    await seller.look(`/desk/products?q=${encodeURIComponent("title of a file")}`, ["title of a file"]);
  });
  await t.check("the name of a file that a program has announced", async () => {
    const token = await tokenOf(world.email);
    const bytes = `Handle,Title,Variant Price\r\n${world.handle}-named,Named,5.00\r\n`;
    const json = { filename: typed("products.csv"), size: Buffer.byteLength(bytes) };
    const headers = { "idempotency-key": `${mark}-file` };
    const { id, upload } = (await api("/vendor/imports?dry_run=true", { token, json, headers })).json;
    const put = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: bytes });
    assert(put.ok, `the store of files answers ${put.status}`);
    await over(`/desk/imports/${id}`);
    await seller.look(`/desk/imports/${id}`, ["products.csv"]);
  });
  await t.check("the titles of columns that nobody knows", async () => {
    const titles = ["first column", "second column", "third column"];
    const path = await bring("columns.csv", [titles.map(typed), [typed("cell"), typed("cell"), "5.00"]]);
    await seller.look(path, []);
    const columns = `/desk/imports/columns?from=${path.split("/").at(-1)}`;
    await seller.look(columns, titles);
    const form = formTo((await seller.client.get(columns)).text, "/desk/imports/columns");
    const [first] = form.fields.find(([name]) => name.includes("first column"));
    sent(await sendFrom(seller.client, columns, form.action, { [first]: "handle" }), "the columns");
    await seller.look("/desk/imports/columns", ["first column"]);
    sent(await sendFrom(seller.client, form.action, form.action, { [first]: "" }), "the columns as before");
  });
}

/** The operator's texts. The offer is left out: once there is one, every buyer has to accept it. */
async function operatorsTexts(t, world) {
  const { operator, anybody, buyer } = world;
  const publish = async (text, words) => {
    const fields = Object.fromEntries(["uz", "en"].map((tag) => [`texts/${tag}`, words]));
    sent(await sendForm(operator.client, `/operate/texts/${text}`, fields), `the text ${text}`);
  };
  const all = ["agreement", "delivery", "returns", "privacy"];
  await t.check("the operator's texts, to everybody", async () => {
    try {
      for (const text of all) {
        await publish(text, `${typed(`text ${text}`)}\n\n${typed("second part")}`);
        await operator.look(`/operate/texts/${text}`, [`text ${text}`, "second part"]);
      }
      await advance("6m");
      for (const text of all.slice(1)) {
        const isThere = async () => decoded((await send("GET", `/en/${text}`)).text).includes(typed(`text ${text}`));
        await until(`the text ${text}`, isThere);
        await anybody.look(`/en/${text}`, [`text ${text}`, "second part"]);
      }
      await buyer.look("/desk/apply", ["text agreement", "second part"]);
    } finally {
      // The next ones on this server read something else.
      for (const text of all) await publish(text, `What ${text} means.\n\nIt is written here.`);
      await advance("6m");
    }
  });
}

/** Whoever is asked to work for the shop is told its name, in a message alone: the page of the link names nobody. */
async function invites(t, world) {
  await t.check("an invitation to the shop", async () => {
    world.invited = newEmail("invited");
    await api("/vendors/me/invitations", {
      token: await tokenOf(world.email),
      json: { contact: world.invited, role: "fulfilment" },
      headers: { "idempotency-key": world.invited },
    });
    const letters = await until("the invitation", async () => {
      const found = await messagesTo(world.invited);
      return found.length > 0 && found;
    });
    await world.anybody.page.goto("about:blank");
    await world.anybody.page.setContent(letters[0].html);
    await isText(world.anybody.page, "the invitation", [typed("name of the shop")]);
    const path = letters[0].text.match(/\/desk\/invitations\/[^\s?]+/)[0];
    const invited = { client: await newcomer(world.invited) };
    Object.assign(invited, await reader(invited.client));
    await invited.look(path, []);
    equal((await invited.page.locator("main").innerText()).includes("bold"), false, "the shop is named by the page");
    invited.hasNone();
    await invited.close();
  });
}

const PLACE = ["region", "district", "city", "line1", "apartment", "entrance", "floor", "landmark", "note"];

/** The fields of an address, whose names begin with `prefix`. */
function place(prefix) {
  const fields = { name: typed("recipient"), phone: newPhone(), country: "UZ", postal_code: '"><b>bold</b>' };
  for (const name of PLACE) fields[name] = typed(name);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [prefix + name, value]));
}

async function buyerWrites(t, world) {
  const { buyer } = world;
  await t.step("a name, in the account", async () => {
    sent(await sendForm(buyer.client, "/en/account/profile", { name: typed("profile"), language: "en" }), "the name");
    await buyer.look("/en/account/profile", ["profile"]);
    await buyer.look("/en/account", []);
  });
  await t.step("an address, in the book and in the checkout", async () => {
    sent(await sendForm(buyer.client, "/en/account/addresses", place("")), "the address");
    await buyer.look("/en/account/addresses", ["recipient", "line1", "region", "landmark"]);
    for (const name of ["one", "many"]) await addTo(buyer.client, `${world.handle}-${name}`);
    await buyer.look("/en/cart", ["title of one", "title of many", "value one", "name of the shop"]);
    await buyer.look("/en/checkout", ["recipient", ...PLACE]);
  });
  await t.step("each step of the checkout", async () => {
    const address = { ...place("address."), "contact.email": world.buyerEmail };
    equal(
      sent(await sendForm(buyer.client, "/en/checkout", address), "the address").to,
      "/en/checkout/delivery",
      "after the address",
    );
    await buyer.look("/en/checkout/delivery", ["name of the shop"]);
    sent(await sendForm(buyer.client, "/en/checkout/delivery", {}), "the delivery");
    await buyer.look("/en/checkout/payment", ["recipient", "line1"]);
  });
  await t.step("paid", async () => {
    const { to } = sent(await sendForm(buyer.client, "/en/checkout/payment", { provider: "stripe" }), "the payment");
    const hosted = new URL(to, SHOP).pathname;
    await buyer.look(hosted, []);
    const paid = sent(await buyer.client.post(hosted, { do: "pay" }), "paying");
    world.order = (await buyer.client.get(new URL(paid.headers.location, SHOP).pathname)).path.split("?")[0];
    await idle();
  });
  await t.step("the order, to all three", async () => {
    await buyer.look(world.order, ["title of one", "title of many", "name of the shop", "recipient", "line1"]);
    await buyer.look("/en/account/orders", []);
    world.sold = await atTheDesk(buyer.client, world.order, world.seller.client);
    await world.seller.look("/desk/orders?tab=new", []);
    await world.seller.look(world.sold, ["title of one", "title of many", "recipient", ...PLACE]);
    await world.seller.look(`${world.sold}/label`, ["recipient", "line1", "note"]);
    world.asOperator = `/operate/orders/${world.order.split("/").at(-1)}`;
    await world.operator.look("/operate/orders", []);
    await world.operator.look(world.asOperator, ["title of one", "name of the shop", "recipient", ...PLACE]);
  });
}

/** What the seller writes about an order, which its buyer and the operator read. */
async function sellerWrites(t, world) {
  const { buyer, seller, operator } = world;
  const act = async (action, fields, what) => {
    sent(await sendFrom(seller.client, world.sold, action, fields), what);
    await idle();
  };
  await t.step("carrier and tracking number", async () => {
    await act(`${world.sold}/accept`, {}, "accepting");
    await act(`${world.sold}/ship`, { carrier: typed("carrier"), tracking_number: typed("tracking") }, "shipping");
    await seller.look(world.sold, ["carrier", "tracking"]);
    await buyer.look(world.order, ["carrier", "tracking"]);
    await operator.look(world.asOperator, ["carrier", "tracking"]);
  });
  await t.step("why a return is declined", async () => {
    const parcel = (await seller.client.get(world.sold)).text.match(/action="([^"]*\/parcels\/\d+)"/)[1];
    await act(parcel, { do: "delivered" }, "the parcel's arrival");
    const path = decoded((await buyer.client.get(world.order)).text.match(/href="([^"]*\/return\?part=[^"]*)"/)[1]);
    await buyer.look(path, ["title of one", "title of many"]);
    const units = (await buyer.client.get(path)).text.match(/name="(units\.[^"]+)"/)[1];
    sent(
      await sendFrom(buyer.client, path, `${world.order}/return`, { [units]: "1", reason: "damaged" }),
      "asking to return",
    );
    await idle();
    const returned = (await seller.client.get(world.sold)).text.match(/action="([^"]*\/returns\/\d+)"/)[1];
    await act(returned, { do: "decline", reason: typed("declined") }, "declining");
    await seller.look(world.sold, ["declined"]);
    await buyer.look(world.order, ["declined"]);
    await operator.look(world.asOperator, []);
  });
  await t.step("why the operator gives money back", async () => {
    const grant = { amount: "1.50", reason: typed("refund") };
    sent(await sendFrom(operator.client, world.asOperator, `${world.asOperator}/refund`, grant), "the refund");
    await idle();
    await operator.look(world.asOperator, []);
    await seller.look(world.sold, []);
    await buyer.look(world.order, []);
  });
  await t.step("how money was given back by hand", async () => {
    const [guest, vendor] = [new Client(), await signedIn("vendor@bozor.test")];
    const { path, sold } = await soldTo(guest, vendor);
    await deliver(vendor, sold);
    const order = `/operate/orders/${path.split("/").at(-1)}`;
    const grant = { amount: "1.50", reason: typed("refund in cash") };
    sent(await sendFrom(operator.client, order, `${order}/refund`, grant), "the refund");
    // What was paid in cash goes back in the background as far as it goes.
    await advance("10m");
    const action = await until("a refund that a person has to make", async () => {
      await idle();
      return (await operator.client.get(order)).text.match(/action="([^"]*\/refunds\/[^"]*\/resolve)"/)?.[1];
    });
    await operator.look("/operate/waiting/failed-refunds", []);
    const note = `${typed("resolved")}\n${typed("second line")}`;
    sent(await sendFrom(operator.client, order, action, { note }), "resolving");
    await idle();
    await operator.look(order, ["resolved", "second line"]);
  });
  await t.step("why the seller would give money back, in the form that has to be mended", async () => {
    // The operator allows no seller to give money back, and functions remember for half a minute what is allowed.
    const { page } = seller;
    const form = page.locator(`main form[action="${world.sold}/refund"]`);
    await form.locator("[name=amount]").fill("1.00");
    await form.locator("[name=reason]").fill(typed("seller's refund"));
    const response = await follow(page, () => form.locator("button").click());
    equal(response.status(), 403, "the answer");
    await isText(page, "the refused refund", [typed("seller's refund")]);
  });
}

async function operatorDecides(t, world) {
  const { seller, operator } = world;
  await t.check("why a product is hidden, at the seller's desk", async () => {
    const { json } = await api("/auth/sign-in", { json: { contact: "admin@bozor.test", password: PASSWORD } });
    const headers = { "idempotency-key": `${mark}-hide` };
    const path = `/admin/products/${world.one.split("/").at(-1)}/hide`;
    await api(path, { token: json.access_token, json: { reason: typed("hidden") }, headers });
    await idle();
    await seller.look(world.one, ["hidden"]);
  });
  await t.check("why a shop is suspended, at the seller's desk", async () => {
    sent(
      await sendFrom(operator.client, world.vendor, `${world.vendor}/suspend`, { reason: typed("suspended") }),
      "suspending",
    );
    await idle();
    await seller.look("/desk/shop", ["suspended"]);
    await operator.look(world.vendor, ["suspended"]);
  });
}

async function mailed(t, world) {
  await t.check("what is mailed to both", async () => {
    const { page } = world.anybody;
    let said = "";
    for (const contact of [world.buyerEmail, world.email]) {
      const messages = await messagesTo(contact);
      assert(messages.length > 2, `${messages.length} messages to ${contact}`);
      for (const { html, text, subject } of messages) {
        assert(!/[\r\n]/.test(subject ?? ""), "a subject of several lines");
        said += text;
        // The site's own page may not be the one that is written over.
        await page.goto("about:blank");
        if (html) await page.setContent(html);
        await isText(page, `a message to ${contact}`, []);
      }
    }
    for (const field of [
      "name of the shop",
      "title of one",
      "value one",
      "carrier",
      "tracking",
      "declined",
      "refund",
    ]) {
      assert(said.includes(typed(field)), `no message says what was typed as ${field}`);
    }
  });
}

export default async function markup() {
  const has = await offered();
  if (!has.account || !has.desk || !has.operate)
    return leftOut("markup in what sellers and buyers write: there are no desks");
  await road("markup in what a seller and a buyer write", async (t) => {
    const world = { handle: `markup-${mark}`, email: newEmail("markup"), buyerEmail: newEmail("markup") };
    const open = async (who, client) => (world[who] = { client, ...(await reader(client)) });
    await t.step("a seller, a buyer, an operator and anybody", async () => {
      await open("seller", await newcomer(world.email));
      await open("buyer", await newcomer(world.buyerEmail));
      await open("operator", await signedIn("admin@bozor.test"));
      await open("anybody", new Client());
    });
    const all = [
      openShop,
      operatorsTexts,
      products,
      files,
      invites,
      buyerWrites,
      sellerWrites,
      operatorDecides,
      mailed,
    ];
    for (const part of all) await part(t, world);
    await t.check("no page was obeyed or complained", () => {
      for (const who of ["seller", "buyer", "operator", "anybody"]) world[who].hasNone();
    });
    for (const who of ["seller", "buyer", "operator", "anybody"]) await world[who].close();
  });
}

await alone(import.meta, markup);
