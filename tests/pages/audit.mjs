// What holds for every page: links lead somewhere, the markup is valid, everybody can use it, it is small, and prices
// agree wherever they stand.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import {
  Client, LANGUAGES, SHOP, advance, alone, api, assert, decoded, equal, hasNoOverflow, leftOut, mainOf, newEmail, offered, person,
  road, send,
} from "./lib.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";
import { addTo, orderOf, signIn } from "./acts.mjs";

const require = createRequire(import.meta.url);
const MOST_PAGES = 300;
const MOST_PACKED = 14_000;
const MOST_SHEET = 6_000;
const MOST_SCRIPT = 6 * 1024;
const IN_THE_DARK = ["color-contrast", "link-in-text-block"];

/** As many at once as the server answers at once. */
async function each(items, work, width = 4) {
  const queue = [...items];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  }));
}

const first = (html, pattern) => {
  const found = html.match(pattern);
  return found ? decoded(found[1]) : undefined;
};
const canonicalOf = (html) => first(html, /<link rel="canonical" href="([^"]*)"/);
const alternatesOf = (html) =>
  new Map([...html.matchAll(/<link rel="alternate" hreflang="([^"]*)" href="([^"]*)"/g)].map(([, tag, href]) => [tag, decoded(href)]));

/** What is read by machines of a page. */
function dataOf(html) {
  const all = [...html.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/gs)];
  return all.map(([, text]) => JSON.parse(text));
}

async function crawl(t, has) {
  const client = new Client();
  const known = new Set(["/en/"]);
  const queue = ["/en/"];
  const broken = [];
  const left = new Set();
  const missingAnchors = [];
  const canonicals = new Map();
  const there = new Set();
  await t.check("every link that the home page leads to, in one language", async () => {
    const absent = (to) => (!has.account && /^\/en\/(account|sign-in)/.test(to)) || (!has.desk && to === "/desk");
    while (queue.length > 0) {
      await each(queue.splice(0), async (from) => {
        const answer = await client.get(from);
        if (answer.status !== 200) broken.push(`${from}: ${answer.status}`);
        else there.add(SHOP + answer.path);
        if (!(answer.headers["content-type"] ?? "").startsWith("text/html")) return;
        if (!answer.path.startsWith("/en/")) return;
        const canonical = canonicalOf(answer.text);
        if (canonical && !canonicals.has(canonical)) canonicals.set(canonical, from);
        for (const [, href] of answer.text.matchAll(/<a\b[^>]*\shref="([^"]*)"/g)) {
          const to = new URL(decoded(href), new URL(answer.path, SHOP));
          if (to.hash && to.pathname === new URL(answer.path, SHOP).pathname) {
            if (!answer.text.includes(`id="${to.hash.slice(1)}"`)) missingAnchors.push(`${from}${to.hash}`);
            continue;
          }
          const next = to.pathname + to.search;
          if (to.origin !== SHOP || known.has(next)) continue;
          if (!/^\/(en\/|desk|$)/.test(next) || known.size >= MOST_PAGES) continue;
          known.add(next);
          if (absent(next)) left.add(next);
          else queue.push(next);
        }
      });
    }
    const others = [...canonicals].filter(([canonical]) => !there.has(canonical));
    await each(others, async ([canonical, from]) => {
      const { origin, pathname, search } = new URL(canonical);
      const { status } = await send("GET", pathname + search);
      if (origin !== SHOP || status !== 200) broken.push(`${canonical}, canonical of ${from}: ${status}`);
    });
    for (const to of left) leftOut(`the link to ${to}`);
    equal(broken, [], "links that lead nowhere");
    equal(missingAnchors, [], "places in a page that are not there");
    assert(known.size > 50, `only ${known.size} addresses were found`);
  });
  return [...known];
}

async function sitemap(t) {
  const listed = new Map();
  await t.check("every address of the sitemap is there, and its own canonical", async () => {
    const robots = await send("GET", "/robots.txt");
    const at = robots.text.match(/^Sitemap: (\S+)$/m)?.[1];
    assert(at, "robots.txt names no sitemap");
    const xml = (await send("GET", new URL(at).pathname)).text;
    const parts = xml.includes("<sitemapindex")
      ? await Promise.all([...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map(async ([, part]) => {
          const { pathname, search } = new URL(decoded(part));
          return (await send("GET", pathname + search)).text;
        }))
      : [xml];
    for (const part of parts) {
      for (const [, entry] of part.matchAll(/<url>(.*?)<\/url>/gs)) {
        const links = [...entry.matchAll(/hreflang="([^"]*)" href="([^"]*)"/g)].map(([, tag, href]) => [tag, decoded(href)]);
        listed.set(first(entry, /<loc>([^<]+)<\/loc>/), new Map(links));
      }
    }
    const blocked = [...robots.text.matchAll(/^Disallow: (\S+)$/gm)].map(([, path]) => path);
    const wrong = [];
    await each(listed.keys(), async (address) => {
      const { origin, pathname, search } = new URL(address);
      const answer = await send("GET", pathname + search);
      if (origin !== SHOP || answer.status !== 200) return wrong.push(`${address}: ${answer.status}`);
      if (canonicalOf(answer.text) !== address) wrong.push(`${address} has the canonical ${canonicalOf(answer.text)}`);
      if (/name="robots" content="[^"]*noindex/.test(answer.text)) wrong.push(`${address} is not to be indexed`);
      if (blocked.some((path) => pathname.startsWith(path))) wrong.push(`${address} is not to be read`);
      const words = { title: first(answer.text, /<title>([^<]*)</), description: first(answer.text, /name="description" content="([^"]*)"/) };
      for (const [name, text] of Object.entries(words)) if (!text) wrong.push(`${address} has no ${name}`);
    });
    equal(wrong.slice(0, 10), [], `${wrong.length} of ${listed.size} addresses are wrong`);
    assert(listed.size >= 5 * 46, `the sitemap has ${listed.size} addresses`);
  });
  await t.check("languages of a page name each other, here and in the sitemap", async () => {
    const all = [...listed.keys()];
    const sample = all.filter((_, place) => place % Math.ceil(all.length / 25) === 0);
    const wrong = [];
    const read = new Map();
    const page = async (address) => {
      if (!read.has(address)) read.set(address, alternatesOf((await send("GET", new URL(address).pathname)).text));
      return read.get(address);
    };
    await each(sample, async (address) => {
      const own = await page(address);
      const tags = [...own.keys()].sort();
      if (tags.join() !== [...Object.values(LANGUAGES), "x-default"].sort().join()) wrong.push(`${address} names ${tags}`);
      if (![...own.values()].includes(address)) wrong.push(`${address} does not name itself`);
      for (const [tag, other] of own) {
        if (tag !== "x-default" && !listed.has(other)) wrong.push(`${other} is not in the sitemap`);
        const back = await page(other);
        if (JSON.stringify([...back]) !== JSON.stringify([...own])) wrong.push(`${other} names others than ${address}`);
      }
      for (const [tag, other] of listed.get(address)) {
        if (own.get(tag) !== other) wrong.push(`the sitemap names ${other} as ${tag} of ${address}`);
      }
    });
    equal(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
  });
}

async function sizes(t) {
  const kinds = { home: "/", list: "/products", category: `/c/${CHOSEN.categories[0]}`, product: `/p/${CHOSEN.handle}`, shop: "/v/chorsu-ceramics", search: "/search?q=bowl" };
  await t.check("pages fit the first round trip, in every language", async () => {
    const { json } = await api("/products?limit=100");
    const products = json.items.map((card) => `/p/${card.handle}`);
    // Cyrillic takes the most bytes.
    const of = (code) => [...Object.values(kinds), ...(code === "uz-cyrl" ? products : [])];
    const large = [];
    let most = [0, ""];
    await each(Object.keys(LANGUAGES).flatMap((code) => of(code).map((path) => `/${code}${path}`)), async (path) => {
      const answer = await send("GET", path, { headers: { "accept-encoding": "gzip" } });
      assert(answer.headers["content-encoding"] === "gzip", `${path} is not compressed`);
      if (answer.sentBytes > most[0]) most = [answer.sentBytes, path];
      if (answer.sentBytes > MOST_PACKED) large.push(`${path}: ${answer.sentBytes}`);
    });
    console.log(`  the largest page: ${most[1]}, ${most[0]} bytes`);
    equal(large, [], `pages over ${MOST_PACKED} bytes`);
  });
  await t.check("the sheet, and what runs", async () => {
    for (const path of Object.values(kinds)) {
      const { text } = await send("GET", `/en${path}`);
      const sheets = [...text.matchAll(/<style[^>]*>(.*?)<\/style>/gs)].map(([, sheet]) => Buffer.byteLength(sheet));
      equal(sheets.length, 1, `sheets of ${path}`);
      assert(sheets[0] <= MOST_SHEET, `the sheet has ${sheets[0]} bytes`);
      assert(!/<link[^>]+rel="stylesheet"/.test(text), `${path} asks for another sheet`);
      const scripts = [...text.matchAll(/<script\b([^>]*)>/g)].map(([, tag]) => tag);
      const inline = scripts.filter((tag) => !/ld\+json|speculationrules/.test(tag) && !/src=/.test(tag));
      equal(inline, [], `scripts inside of ${path}`);
      const files = scripts.map((tag) => tag.match(/src="([^"]*)"/)?.[1]).filter(Boolean);
      equal(files, ["/app.js"], `scripts of ${path}`);
      assert(!/\son\w+="|style="/.test(text.replace(/<script.*?<\/script>/gs, "")), `${path} has handlers or styles in attributes`);
    }
    let bytes = 0;
    for (const script of ["/app.js", "/sw.js"]) {
      const answer = await send("GET", script);
      if (answer.status === 200) bytes += zlib.gzipSync(answer.text, { level: 6 }).length;
    }
    assert(bytes > 0 && bytes <= MOST_SCRIPT, `the scripts have ${bytes} bytes`);
  });
}

const digits = (text) => text.replace(/[^\d.,]/g, "").replace(/[.,](?=\d{3}\b)/g, "").replace(",", ".");

async function prices(t) {
  await t.check("a price is the same for people, for machines and for programs", async () => {
    const { json } = await api("/products?limit=100");
    const wrong = [];
    await each(json.items, async (card) => {
      const product = (await api(`/products/${card.handle}`)).json;
      const html = (await send("GET", `/en/p/${card.handle}`)).text;
      const data = dataOf(html).find((one) => ["Product", "ProductGroup"].includes(one["@type"]));
      const offers = data.offers ?? data.hasVariant.map((variant) => variant.offers);
      const offered = new Map([offers].flat().map((offer) => [new URL(offer.url).searchParams.get("variant"), offer]));
      equal(data.name, product.title, `name of ${card.handle}`);
      for (const variant of product.variants) {
        const isAlone = product.variants.length === 1;
        const page = isAlone ? html : (await send("GET", `/en/p/${card.handle}?variant=${variant.id}`)).text;
        const shown = decoded(page.match(/<p class="price[^"]*">([^<]*)/)[1]);
        const offer = offered.get(variant.id) ?? {};
        const all = [variant.price.amount, offer.price, digits(shown)].map(Number);
        if (new Set(all).size !== 1 || offer.priceCurrency !== variant.price.currency) {
          wrong.push(`${variant.id} of ${card.handle}: ${all} (${shown}, ${offer.priceCurrency})`);
        }
        if ((offer.availability === "https://schema.org/InStock") !== variant.available > 0 && typeof variant.available === "number") {
          wrong.push(`${variant.id} of ${card.handle}: ${offer.availability}, and ${variant.available} are there`);
        }
      }
    });
    equal(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
  });
  await t.check("a list has the prices of the catalog, in every language and currency", async () => {
    const html = (await send("GET", "/en/products")).text;
    const others = [...html.matchAll(/href="\/en\/products\?currency=(\w{3})"/g)].map(([, code]) => code);
    const currencies = [...new Set([undefined, ...others])];
    const wrong = [];
    for (const currency of currencies) {
      const { json } = await api(`/products?limit=20${currency ? `&currency=${currency}` : ""}`);
      for (const language of Object.keys(LANGUAGES)) {
        const page = (await send("GET", `/${language}/products${currency ? `?currency=${currency}` : ""}`)).text;
        const cards = page.split('<li class="card">').slice(1);
        for (const [place, card] of json.items.entries()) {
          const shown = decoded(cards[place]?.match(/<p class="price[^"]*">\s*([^<]*)/)?.[1] ?? "");
          if (Number(digits(shown)) !== Number(card.price.amount)) wrong.push(`${card.handle} in ${language}: ${shown}, and ${card.price.amount} ${card.price.currency}`);
        }
      }
    }
    equal(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
  });
}

/** The addresses of one page of each kind, with what makes its reader its reader. */
async function kinds(has) {
  const everybody = new Client();
  const guest = new Client();
  await addTo(guest, CHOSEN.handle);
  const { path: order } = await orderOf(guest, newEmail("audit"));
  await addTo(guest, CHOSEN.handle);
  await addTo(guest, SOUGHT.handle);
  await orderOf(guest, newEmail("audit"), { stops: true });
  const token = guest.cookies.get("orders").split("!")[0].split(".")[1];
  const all = [
    ["home", "/en/"], ["list", "/en/products"], ["category", `/en/c/${CHOSEN.categories[0]}`], ["filtered", "/en/products?sort=price&min=10&max=20"],
    ["product", `/en/p/${CHOSEN.handle}`], ["shop", "/en/v/chorsu-ceramics"], ["search", "/en/search?q=bowl"], ["nothing found", "/en/search?q=zzzz"],
    ["words", "/en/delivery"], ["offline", "/en/offline"], ["not found", "/en/nothing"], ["an empty cart", "/en/cart"],
    ["every component", "/_local/pages?language=uz"],
  ].map(([kind, path]) => ({ kind, path, client: everybody }));
  for (const [kind, path] of [["cart", "/en/cart"], ["address", "/en/checkout"], ["delivery", "/en/checkout/delivery"], ["payment", "/en/checkout/payment"],
    ["order", order], ["cancelling", `${order}/cancel`], ["link", `/r/${order.split("/").at(-1)}.${token}`]]) {
    all.push({ kind, path, client: guest });
  }
  const mended = { contact: "nobody", "address.name": "" };
  all.push({ kind: "mended", path: "/en/checkout", client: guest, fields: mended });
  for (const [is, contact, pages] of [
    ["account", undefined, ["/en/sign-in", "/en/sign-in/code", "/en/sign-up", "/en/reset"]],
    ["account", "buyer@bozor.test", ["/en/account", "/en/account/orders", "/en/account/addresses", "/en/account/profile", "/en/account/security", "/en/account/sessions", "/en/account/privacy", "/en/sign-out"]],
    ["desk", "vendor@bozor.test", ["/desk", "/desk/orders", "/desk/products", "/desk/products/new", "/desk/imports", "/desk/shop", "/desk/shop/documents"]],
    ["operate", "admin@bozor.test", ["/operate", "/operate/vendors", "/operate/orders", "/operate/settings/limits", "/operate/texts", "/operate/texts/agreement"]],
  ]) {
    if (!has[is]) {
      leftOut(`pages of ${contact ?? "who signs in"}: ${pages[0]} is not there`);
      continue;
    }
    const client = new Client();
    if (contact) equal((await signIn(client, contact)).status, 303, `signing in as ${contact}`);
    for (const path of pages) all.push({ kind: path, path, client });
    if (is === "desk") {
      const product = (await client.get("/desk/products")).text.match(/href="(\/desk\/products\/prd_\w+)"/)?.[1];
      if (product) all.push({ kind: "a product at the desk", path: product, client });
      const sold = (await client.get("/desk/orders")).text.match(/href="(\/desk\/orders\/[\w.-]+)"/)?.[1];
      if (sold) all.push({ kind: "an order at the desk", path: sold, client }, { kind: "a label", path: `${sold}/label`, client });
    }
    if (is === "operate") {
      for (const list of ["orders", "vendors"]) {
        const one = (await client.get(`/operate/${list}`)).text.match(new RegExp(`href="(/operate/${list}/\\w+)"`))?.[1];
        if (one) all.push({ kind: `one of /operate/${list}`, path: one, client });
      }
    }
  }
  return all;
}

async function validity(t, pages) {
  await t.check(`vnu finds nothing on ${pages.length} kinds of pages`, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "bozor-pages-"));
    try {
      const names = new Map();
      for (const [place, { path: at, client, fields }] of pages.entries()) {
        const answer = fields ? await client.post(at, fields) : await client.get(at);
        const file = path.join(folder, `${place}.html`);
        writeFileSync(file, answer.text);
        names.set(file, at);
      }
      const jar = path.join(path.dirname(require.resolve("vnu-jar/package.json")), "build/dist/vnu.jar");
      const found = await new Promise((resolve, reject) => {
        const options = { maxBuffer: 1 << 26, timeout: 120_000 };
        execFile("java", ["-Xss2m", "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always", ...names.keys()], options, (error, out) => (error ? reject(error) : resolve(JSON.parse(out))));
      });
      // The same words on many pages are one thing to mend.
      const said = new Map();
      for (const message of found.messages) {
        // vnu's checker of style does not know css-view-transitions-2 yet.
        if (/Unrecognized at-rule .@view-transition/.test(message.message)) continue;
        const kind = message.type === "error" ? "error" : (message.subType ?? message.type);
        const at = names.get(message.url?.replace("file:", "")) ?? message.url;
        const key = `${kind}: ${message.message}`;
        const extract = (message.extract ?? "").trim().replace(/\s+/g, " ").slice(0, 100);
        said.set(key, [...(said.get(key) ?? []), `${at}:${message.lastLine}: ${extract}`]);
      }
      const lines = [...said].map(([what, places]) => `${what} (${places.length} times, first at ${places[0]})`);
      for (const line of lines.filter((line) => line.startsWith("warning"))) console.log(`  vnu: ${line}`);
      equal(lines.filter((line) => !/^(warning|info)/.test(line)).slice(0, 12), [], "errors");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

async function everybody(t, pages) {
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const readers = new Map();
  const who = async (client) => {
    if (!readers.has(client)) {
      const reader = await person({ bypass: true });
      await client.lendTo(reader.context);
      readers.set(client, reader);
    }
    return readers.get(client);
  };
  for (const { kind, path: at, client, fields } of pages) {
    const { page } = await who(client);
    t.page = page;
    await t.check(`axe: ${kind}`, async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(at);
      if (fields) {
        for (const [name, text] of Object.entries(fields)) await page.fill(`[name="${name}"], [name="${name}.email"]`, text);
        await Promise.all([page.waitForNavigation(), page.click("main form button.btn")]);
      }
      await page.evaluate(axe);
      const wrong = new Set();
      for (const width of [320, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        if (width === 320) await hasNoOverflow(page);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          // Colours are what differs in the dark.
          const runOnly = colorScheme === "light" ? undefined : { type: "rule", values: IN_THE_DARK };
          const options = { resultTypes: ["violations"], ...(runOnly && { runOnly }) };
          const found = await page.evaluate((options) => axe.run(document, options), options);
          for (const one of found.violations) {
            wrong.add(`${width} ${colorScheme} ${one.id}: ${one.nodes.slice(0, 2).map((node) => `${node.html.slice(0, 100)} ${node.failureSummary.split("\n")[1] ?? ""}`).join(" ")}`);
          }
        }
      }
      equal([...wrong].slice(0, 6), [], `${wrong.size} violations on ${at}`);
    });
  }
  for (const reader of readers.values()) await reader.close();
}

export default async function audit() {
  const has = await offered();
  // What is kept somewhere may be older than what was changed last.
  await advance("10m");
  await road("links and sitemap", async (t) => {
    await crawl(t, has);
    await sitemap(t);
  });
  await road("sizes and prices", async (t) => {
    await sizes(t);
    await prices(t);
  });
  await road("each kind of page", async (t) => {
    let pages = [];
    await t.step("the pages", async () => (pages = await kinds(has)));
    // One of both waits for java, the other one for the browser.
    await Promise.all([validity(t, pages), everybody(t, pages)]);
    await t.check("each kind is what it should be", async () => {
      for (const { path: at, client, kind } of pages) {
        const answer = await client.get(at);
        equal([answer.status, answer.path], [kind === "not found" ? 404 : 200, at], kind);
        assert(mainOf(answer.text).includes("<h1"), `${kind} has no heading`);
      }
    });
  });
}

await alone(import.meta, audit);
