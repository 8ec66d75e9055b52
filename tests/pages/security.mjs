// What other sites, and what people type, cannot do.
import http from "node:http";
import {
  Client, PASSWORD, SHOP, alone, assert, decoded, encoded, equal, formTo, formsOf, leftOut, mainOf, newEmail, offered,
  person, road, send,
} from "./lib.mjs";
import { addTo, filled, orderOf, signIn } from "./acts.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";
import markup from "./markup.mjs";

/** What somebody would type who wants it to be run. */
const EVIL = [
  "</script><b>bold</b>",
  '"><img src=x onerror=alert(1)>',
  "{{7*7}}",
  "${7*7}",
  "' onfocus=alert(1) autofocus '",
];
const SOME_NAME = EVIL.join(" ");

/** Pages with forms that this client can reach, each with its main part. */
async function pagesOf(client, paths) {
  const pages = new Map();
  for (const path of paths) {
    const answer = await client.get(path);
    if (answer.status === 200) pages.set(path, answer);
  }
  return pages;
}

/** What must not change: the pages without what is new at each look. */
async function standing(client, paths) {
  const seen = [];
  for (const path of paths) {
    const { status, text } = await client.get(path);
    seen.push(`${path} ${status} ${mainOf(text).replace(/name="(key|version|request)" value="[^"]*"/g, "")}`);
  }
  return seen;
}

/** A site of somebody else, on another port: with a form, and with a script that sends one. */
async function foreignSite() {
  let page = "";
  const server = http.createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(page);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  return { port: server.address().port, show: (html) => (page = html), close: () => server.close() };
}

const attribute = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

/** `others`: how many forms are sent in a browser from a host to which no cookie of ours goes. */
async function foreignForms(t, client, forms, keeps, others = 2) {
  const before = await standing(client, keeps);
  await t.check(`${forms.length} forms from elsewhere, as requests`, async () => {
    const ways = {
      "another origin": { origin: "https://evil.example" },
      "no origin at all": {},
      "an opaque origin": { origin: "null" },
      "an origin that begins like ours": { origin: `${SHOP}.evil.example` },
      "our host on another port": { origin: "http://localhost:1" },
      "another site with our origin": { "sec-fetch-site": "cross-site", origin: SHOP },
      "a neighbour's site": { "sec-fetch-site": "same-site", origin: SHOP },
      "no site": { "sec-fetch-site": "none" },
      "two sites": { "sec-fetch-site": "same-origin, cross-site", origin: SHOP },
    };
    const wrong = [];
    for (const form of forms) {
      for (const [way, headers] of Object.entries(ways)) {
        const type = form.files ? "multipart/form-data; boundary=b" : "application/x-www-form-urlencoded";
        const answer = await client.post(form.action, form.fields, { "content-type": type, ...headers });
        if (answer.status !== 403) wrong.push(`${form.action}, ${way}: ${answer.status}`);
        if (answer.headers["set-cookie"]) wrong.push(`${form.action}, ${way}: sets a cookie`);
      }
      for (const type of ["text/plain", "application/json"]) {
        const headers = { "content-type": type, "sec-fetch-site": "cross-site", origin: "https://evil.example" };
        const answer = await client.post(form.action, form.fields, headers);
        if (answer.status !== 403) wrong.push(`${form.action} as ${type}: ${answer.status}`);
      }
    }
    equal(wrong, [], "not refused");
  });
  await t.check("from a page of another site in a browser", async () => {
    const site = await foreignSite();
    const who = await person();
    await client.lendTo(who.context);
    const wrong = [];
    try {
      for (const host of ["localhost", "127.0.0.1"]) {
        const tried = host === "localhost" ? forms : forms.slice(0, others);
        for (const form of tried) {
          const inputs = form.fields.map(
            ([name, value]) => `<input type=hidden name="${attribute(name)}" value="${attribute(value)}">`,
          );
          const action = `${SHOP}${form.action}`;
          const filledIn = `<form method=post action="${action}">${inputs.join("")}<button>win</button></form>`;
          site.show(`<!doctype html><title>evil</title>${filledIn}`);
          await who.page.goto(`http://${host}:${site.port}/`);
          const [response] = await Promise.all([who.page.waitForNavigation(), who.page.click("button")]);
          if (response.status() !== 403) wrong.push(`${form.action} by a form of ${host}: ${response.status()}`);
        }
        await who.page.goto(`http://${host}:${site.port}/`);
        for (const form of tried) {
          for (const mode of ["no-cors", "cors"]) {
            // The browser keeps the status of what a page may not read from us too.
            const isIt = (one) => one.url() === `${SHOP}${form.action}`;
            const heard = Promise.any([
              who.page.waitForEvent("response", isIt),
              who.page.waitForEvent("requestfailed", isIt),
            ]);
            const read = await who.page.evaluate(
              ([url, body, mode]) => {
                const headers = { "content-type": "application/x-www-form-urlencoded" };
                const sent = fetch(url, { method: "POST", mode, credentials: "include", headers, body });
                return sent.then((answer) => answer.type, () => "refused");
              },
              [`${SHOP}${form.action}`, encoded(form.fields), mode],
            );
            const response = await heard;
            if (response.status && response.status() !== 403)
              wrong.push(`${form.action} by fetch ${mode} of ${host}: ${response.status()}`);
            if (!["opaque", "refused"].includes(read))
              wrong.push(`${form.action} is read by fetch ${mode} of ${host}: ${read}`);
          }
        }
        const shown = await who.page.evaluate((url) => {
          const frame = document.createElement("iframe");
          frame.src = url;
          document.body.append(frame);
          return new Promise((resolve) => {
            frame.onload = () => resolve("loaded");
            setTimeout(() => resolve("nothing"), 1000);
          });
        }, `${SHOP}/en/cart`);
        const framed = who.page.frames().find((frame) => frame !== who.page.mainFrame());
        const text = framed ? await framed.locator("body").innerText().catch(() => "") : "";
        if (text.includes("Check out")) wrong.push(`the cart stands in a frame of ${host} (${shown})`);
      }
    } finally {
      site.close();
      await who.close();
    }
    equal(wrong, [], "not refused");
  });
  await t.check("nothing has changed", async () => {
    const after = await standing(client, keeps);
    for (const [place, text] of before.entries()) assert(after[place] === text, `${keeps[place]} is another page now`);
  });
}

/** Everything that an answer for one person alone must say. */
function isPrivate(path, answer) {
  const kept = answer.headers["cache-control"] ?? "";
  return kept.includes("no-store") && kept.includes("private")
    ? []
    : [`${path} (${answer.status}): ${kept || "no cache-control"}`];
}

export default async function security() {
  const has = await offered();
  const paths = ["/en/cart", "/en/checkout", "/en/checkout/delivery", "/en/checkout/payment"];

  await road("forms of another site, against a guest", async (t) => {
    const client = new Client();
    const email = newEmail("victim");
    const link = {};
    await t.step("a guest with an order and a full cart", async () => {
      await addTo(client, SOUGHT.handle);
      link.order = (await orderOf(client, email)).path;
      await addTo(client, CHOSEN.handle);
      await orderOf(client, email, { stops: true });
    });
    const token = client.cookies.get("orders")?.split("!")[0].split(".")[1];
    const all = [
      ...paths,
      `/en/p/${SOUGHT.handle}`,
      link.order,
      `${link.order}/cancel`,
      `/r/${link.order.split("/").at(-1)}.${token}`,
    ];
    if (has.account) all.push("/en/sign-in", "/en/sign-in/code", "/en/sign-up", "/en/reset");
    const pages = await pagesOf(client, all);
    const forms = [...pages.values()].flatMap((page) => formsOf(page.text));
    const unlike = [...new Map(forms.map((form) => [`${form.action} ${form.buttons[0]?.value}`, form])).values()];
    await t.step("their forms", () => {
      const actions = new Set(unlike.map((form) => form.action.replace(/ord_\w+/, "ID").replace(/\/r\/.*/, "/r/ID")));
      for (const action of [
        "/en/cart",
        "/en/checkout",
        "/en/checkout/delivery",
        "/en/checkout/payment",
        "/en/orders/ID/confirm",
        "/en/orders/ID/cancel",
        "/r/ID",
      ]) {
        assert(actions.has(action), `no form posts to ${action}: ${[...actions]}`);
      }
    });
    await foreignForms(t, client, unlike, [...paths, link.order]);
    await t.check("forms that no field fills change nothing and are answered", async () => {
      const wrong = [];
      for (const form of unlike) {
        const answer = await client.post(form.action, []);
        if (answer.status >= 500) wrong.push(`${form.action}: ${answer.status}`);
      }
      equal(wrong.filter((line) => !line.includes("/cancel")), [], "answers to empty forms");
    });
  });

  await road("what people type", async (t) => {
    const client = new Client();
    const more = {};
    for (const name of [
      "region",
      "district",
      "city",
      "line1",
      "apartment",
      "entrance",
      "floor",
      "postal_code",
      "landmark",
      "note",
    ]) {
      more[`address.${name}`] = name === "postal_code" ? '"><b>7</b>' : SOME_NAME;
    }
    const who = await person();
    t.page = who.page;
    /** Nothing that was typed is an element of the page, and the page says what was typed. */
    const isText = async (what) => {
      const made = await who.page.locator("img[src='x'], main b:text-is('bold'), [onerror], [onfocus]").count();
      equal(made, 0, `elements that were typed, on ${what}`);
      const text = await who.page.evaluate(() => {
        const typed = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
        return `${document.body.innerText}\n${typed.join("\n")}`;
      });
      for (const evil of EVIL) assert(text.includes(evil), `${what} does not show ${evil}`);
      assert(!/\b49\b/.test(text.replace(/[$€]?\s?\d*[.,]?49[.,]\d+/g, "")), `${what} has worked out {{7*7}}`);
    };
    await t.step("comes back in a form that has to be mended", async () => {
      await addTo(client, SOUGHT.handle);
      await client.lendTo(who.context);
      await who.page.goto("/en/checkout");
      await who.page.fill("[name='contact.email']", SOME_NAME);
      for (const name of Object.keys(more)) await who.page.fill(`[name="${name}"]`, more[name].replace(/\n/g, " "));
      await who.page.fill("[name='address.name']", SOME_NAME);
      await Promise.all([who.page.waitForNavigation(), who.page.click("main form button.btn")]);
      await isText("the mended form");
    });
    await t.step("comes back as text in each step and on the order", async () => {
      const placed = await orderOf(client, newEmail("evil"), { "address.name": SOME_NAME, ...more });
      await client.lendTo(who.context);
      await who.page.goto(placed.path);
      await isText("the order's page");
      await addTo(client, SOUGHT.handle);
      await orderOf(client, newEmail("evil"), { stops: true, "address.name": SOME_NAME, ...more });
      await client.lendTo(who.context);
      for (const path of paths.slice(1)) {
        await who.page.goto(path);
        await isText(path);
      }
    });
    await t.check("in an address, in a search, in filters", async () => {
      const asked = encodeURIComponent(SOME_NAME);
      for (const path of [
        `/en/search?q=${asked}`,
        `/en/products?min=${asked}&max=${asked}&sort=${asked}&after=${asked}`,
        `/en/products?currency=${asked}`,
        `/en/p/${asked}`,
        `/en/${asked}`,
        `/r/${asked}`,
        `/en/orders/${asked}`,
      ]) {
        const answer = await who.page.goto(path);
        assert(answer.status() < 500, `${path} is answered ${answer.status()}`);
        const made = await who.page.locator("img[src='x'], [onerror], [onfocus], main b:text-is('bold')").count();
        equal(made, 0, `elements in ${path}`);
      }
      await who.page.goto(`/en/search?q=${encodeURIComponent(EVIL[1])}`);
      equal(await who.page.inputValue("#q"), EVIL[1], "what was searched for");
    });
    await t.check("no page was obeyed or complained", () => who.hasNone());
    await who.close();
  });

  await markup();

  await road("where a form leads to", async (t) => {
    const foreign = [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "/%09/evil.example",
      "/\t/evil.example",
      "/%5cevil.example",
      "\\\\evil.example",
      "javascript:alert(1)",
      "/\n/evil.example",
      "http:evil.example",
    ];
    const stays = (location) =>
      new URL(location, SHOP).origin === SHOP && !/^\/?[\\/]|^\/[\t\n]/.test(location.slice(1));
    await t.check("after adding to the cart", async () => {
      const wrong = [];
      for (const name of ["then", "back"]) {
        for (const next of foreign) {
          const client = new Client();
          const form = formTo((await client.get(`/en/p/${SOUGHT.handle}`)).text, "/en/cart");
          const answer = await client.post("/en/cart", filled(form, { [name]: next }));
          if (answer.status !== 303 || !stays(answer.headers.location))
            wrong.push(`${name}=${next}: ${answer.headers.location}`);
        }
      }
      equal(wrong, [], "leads elsewhere");
    });
    await t.check("a path is not taken for a host", async () => {
      const wrong = [];
      for (const path of [
        "//evil.example/",
        "//evil.example/en",
        "/en//evil.example",
        "/\\evil.example",
        "/c/bowls",
        "/en/c//evil.example",
      ]) {
        const answer = await send("GET", path);
        const to = answer.headers.location;
        if (to && new URL(to, SHOP).origin !== SHOP) wrong.push(`${path}: ${to}`);
      }
      equal(wrong, [], "leads elsewhere");
    });
    if (!has.account) return leftOut("?next= of the sign-in");
    await t.check("after signing in", async () => {
      const wrong = [];
      for (const next of foreign) {
        const client = new Client();
        const form = formTo((await client.get(`/en/sign-in?next=${encodeURIComponent(next)}`)).text, "/en/sign-in");
        assert(stays(form.fields.find(([name]) => name === "next")?.[1] ?? "/"), `the form keeps ${next}`);
        const answer = await client.post(
          "/en/sign-in",
          filled(form, { contact: "buyer@bozor.test", password: PASSWORD, next }),
        );
        if (answer.status !== 303 || !stays(answer.headers.location))
          wrong.push(`${next}: ${answer.status} ${answer.headers.location}`);
      }
      equal(wrong, [], "leads elsewhere");
    });
  });

  await road("cookies and caches", async (t) => {
    const client = new Client();
    const email = newEmail("cookies");
    let path = "";
    await t.step("a guest who orders", async () => {
      await addTo(client, SOUGHT.handle);
      await orderOf(client, email, { stops: true });
      const open = [];
      for (const page of paths) open.push(...isPrivate(page, await client.get(page)));
      equal(open, [], "pages that a cache may keep");
      const placed = await orderOf(client, email);
      path = placed.path;
      t.fields = placed.fields;
      const again = await client.post("/en/checkout/payment", placed.fields);
      t.again = again.headers.location ?? "";
    });
    await t.check("a form that is sent twice leads to the order that it has made", () => {
      assert(t.again.includes(path), `it leads to ${t.again} and not to ${path}`);
    });
    await t.check("a form of a cart that is not there any more leads to the cart", async () => {
      const other = new Client();
      other.cookies.set("cart", `crt_${"0".repeat(26)}`);
      other.cookies.set("contact", client.cookies.get("contact") ?? "");
      const answer = await other.post("/en/checkout/payment", t.fields);
      equal([answer.status, answer.headers.location], [303, "/en/cart"], "the answer");
    });
    await t.check("pages for one person are kept nowhere", async () => {
      const open = [];
      for (const page of [path, `${path}/cancel`, "/en/paid", "/en/cart", "/en/orders/ord_nothing", "/r/nothing"]) {
        open.push(...isPrivate(page, await client.send("GET", page)));
        open.push(...isPrivate(page, await send("GET", page)));
      }
      open.push(...isPrivate("POST /en/cart", await client.post("/en/cart", { do: "set", variant: "x" })));
      equal(open, [], "pages that a cache may keep");
    });
    await t.check("pages for everybody set no cookie and differ by none", async () => {
      const wrong = [];
      for (const page of [
        "/en/",
        "/en/products",
        `/en/p/${SOUGHT.handle}`,
        "/en/v/chorsu-ceramics",
        "/en/search?q=bowl",
        "/sitemap.xml",
      ]) {
        const [plain, known] = [await send("GET", page), await client.send("GET", page)];
        if (plain.headers["set-cookie"] || known.headers["set-cookie"]) wrong.push(`${page} sets a cookie`);
        if (plain.text !== known.text) wrong.push(`${page} is another page with cookies`);
        if (!/public/.test(plain.headers["cache-control"])) wrong.push(`${page} is ${plain.headers["cache-control"]}`);
      }
      equal(wrong, [], "pages for everybody");
    });
    // A chosen language is no secret, and scripts write it too; how much is in the cart they show.
    const isSecret = (line) => !/^(language=[a-z-]+|items=\d+);/.test(line);
    await t.check("every cookie is kept from scripts and from other sites", () => {
      const isKept = (line) => /; HttpOnly/i.test(line) || !isSecret(line);
      const all = client.set.filter(
        (line) => !isKept(line) || !/; SameSite=Lax/i.test(line) || !/; Path=\//i.test(line),
      );
      equal(all, [], "cookies");
      if (SHOP.startsWith("https:"))
        equal(
          client.set.filter(isSecret).filter((line) => !/^__Host-.*; Secure/i.test(line)),
          [],
          "cookies without Secure",
        );
      assert(
        ["cart", "orders", "contact"].every((name) =>
          client.set.some((line) => line.replace("__Host-", "").startsWith(`${name}=`)),
        ),
        "cookies that were set",
      );
    });
    await t.check("every answer keeps itself to itself", async () => {
      const wrong = [];
      for (const page of ["/en/", "/en/nothing", "/en/cart", "/", "/app.js", "/robots.txt", path]) {
        const { headers } = await client.send("GET", page);
        const policy = headers["content-security-policy"] ?? "";
        if (/unsafe|\*/.test(policy) || !/default-src 'none'/.test(policy)) wrong.push(`${page}: ${policy}`);
        for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
          if (!policy.includes(part)) wrong.push(`${page}: no ${part}`);
        const others = {
          "x-content-type-options": "nosniff",
          "referrer-policy": "same-origin",
          "cross-origin-opener-policy": "same-origin",
        };
        for (const [name, value] of Object.entries(others))
          if (headers[name] !== value) wrong.push(`${page}: ${name} ${headers[name]}`);
        if (headers["access-control-allow-origin"]) wrong.push(`${page} is read by other sites`);
      }
      equal(wrong, [], "headers");
    });
    if (!has.account) return leftOut("cookies and caches of who is signed in, and a session that was there before");
    await t.step("a session that was there before is not the one after", async () => {
      const planted = "A".repeat(43);
      const victim = new Client();
      victim.cookies.set("session", planted);
      equal((await signIn(victim, "buyer@bozor.test")).status, 303, "signing in");
      const own = victim.cookies.get("session");
      assert(own && own !== planted, "the session has another value");
      const thief = new Client();
      thief.cookies.set("session", planted);
      assert((await thief.get("/en/account")).path.startsWith("/en/sign-in"), "the planted session opens nothing");
      assert(
        victim.set.filter(isSecret).every((line) => /; HttpOnly/i.test(line) && /; SameSite=Lax/i.test(line)),
        victim.set.join("\n"),
      );
      await signIn(victim, "buyer@bozor.test");
      assert(victim.cookies.get("session") !== own, "signing in again makes another session");
      thief.cookies.set("session", own);
      assert(
        (await thief.get("/en/account")).path.startsWith("/en/sign-in"),
        "the session before opens nothing any more",
      );
      const open = [];
      for (const page of [
        "/en/account",
        "/en/account/orders",
        "/en/account/addresses",
        "/en/account/profile",
        "/en/account/security",
        "/en/account/sessions",
        "/en/sign-in",
        "/en/sign-out",
        "/en/sign-up",
      ]) {
        open.push(...isPrivate(page, await victim.send("GET", page)));
        open.push(...isPrivate(page, await send("GET", page)));
      }
      equal(open, [], "pages that a cache may keep");
    });
  });

  if (!has.account) return leftOut("forms of another site, against who is signed in");
  await road("forms of another site, against who is signed in", async (t) => {
    const client = new Client();
    const all = [
      "/en/account",
      "/en/account/addresses",
      "/en/account/profile",
      "/en/account/contact",
      "/en/account/security",
      "/en/account/sessions",
      "/en/sign-out",
    ];
    await t.step("a buyer", async () => equal((await signIn(client, "buyer@bozor.test")).status, 303, "signing in"));
    const forms = [...(await pagesOf(client, all)).values()].flatMap((page) => formsOf(page.text));
    const unlike = [...new Map(forms.map((form) => [form.action, form])).values()];
    await t.step("their forms", () => assert(unlike.length >= 4, `forms: ${unlike.map((form) => form.action)}`));
    await foreignForms(t, client, unlike, ["/en/account", "/en/account/addresses", "/en/account/profile"]);
  });
  for (const [desk, contact, pages] of [
    [
      "desk",
      "vendor@bozor.test",
      ["/desk", "/desk/shop", "/desk/products/new", "/desk/imports", "/desk/shop/documents"],
    ],
    ["operate", "admin@bozor.test", ["/operate", "/operate/settings/limits", "/operate/vendors"]],
  ]) {
    if (!has[desk]) {
      leftOut(`forms of another site, against /${desk}`);
      continue;
    }
    await road(`forms of another site, against /${desk}`, async (t) => {
      const client = new Client();
      await t.step("signed in", async () => equal((await signIn(client, contact)).status, 303, "signing in"));
      const first = await pagesOf(client, pages);
      const linked = [...first.values()].flatMap((page) =>
        [...mainOf(page.text).matchAll(/href="(\/(?:desk|operate)\/[^"?#]+)"/g)].map((found) => decoded(found[1])),
      );
      const more = await pagesOf(client, [...new Set(linked)].slice(0, 25));
      const forms = [...first.values(), ...more.values()].flatMap((page) => formsOf(page.text));
      const unlike = [...new Map(forms.map((form) => [form.action.replace(/\b(\w{3})_\w+/g, "$1"), form])).values()];
      await t.step("their forms", () => assert(unlike.length >= 2, `forms: ${unlike.map((form) => form.action)}`));
      await foreignForms(t, client, unlike, [...first.keys()]);
      const open = [];
      for (const [path, page] of [...first, ...more]) open.push(...isPrivate(path, page));
      await t.check("their pages are kept nowhere", () => equal(open, [], "pages that a cache may keep"));
    });
  }
}

await alone(import.meta, security);
