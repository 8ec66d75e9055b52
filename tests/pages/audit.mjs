// What holds for every page: links lead somewhere, the markup is valid, everybody can use it, it is small, and prices
// agree wherever they stand.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import {
  Client, LANGUAGES, SHOP, advance, alone, api, assert, decoded, equal, hasNoOverflow, isTranslated, leftOut, mainOf,
  offered, pathOf, person, road, send,
} from "./lib.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";
import { answerOf, inLanguage, kinds, show } from "./kinds.mjs";

const require = createRequire(import.meta.url);
/** Lists of a server that was tested before are longer; a calendar of links without an end is a fault. */
const MOST_LINKS = 3_000;
const MOST_PACKED = 14_000;
const MOST_SHEET = 6 * 1024;
const MOST_SCRIPT = 6 * 1024;
/** What a page that is somebody's own may have, which is promised nowhere. */
const MOST_PRIVATE = 20_000;
const WIDTHS = [320, 768, 1280];
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
  new Map(
    [...html.matchAll(/<link rel="alternate" hreflang="([^"]*)" href="([^"]*)"/g)].map(([, tag, href]) => [
      tag,
      decoded(href),
    ]),
  );

/** What is read by machines of a page. */
function dataOf(html) {
  const all = [...html.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/gs)];
  return all.map(([, text]) => JSON.parse(text));
}

/** Where the links of a page lead, and the places in itself that are not there. */
function linksOf({ text, path }) {
  const at = new URL(path, SHOP);
  const found = { links: new Set(), missing: [], foreign: [] };
  for (const [, href] of text.matchAll(/<a\b[^>]*\shref="([^"]*)"/g)) {
    const to = new URL(decoded(href), at);
    const isHere = to.pathname === at.pathname && to.search === at.search;
    if (to.origin !== SHOP) found.foreign.push(to.href);
    else if (!isHere || !to.hash) found.links.add(to.pathname + to.search);
    else if (!text.includes(`id="${to.hash.slice(1)}"`)) found.missing.push(path + to.hash);
  }
  return found;
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
        const { links, missing } = linksOf(answer);
        missingAnchors.push(...missing);
        for (const next of links) {
          if (known.has(next) || !/^\/(en\/|desk|$)/.test(next)) continue;
          known.add(next);
          if (absent(next)) left.add(next);
          else queue.push(next);
        }
        assert(
          known.size <= MOST_LINKS,
          `there are more than ${MOST_LINKS} addresses, the last one ${[...known].at(-1)}`,
        );
      });
    }
    const others = [...canonicals].filter(([canonical]) => !there.has(canonical));
    await each(others, async ([canonical, from]) => {
      const { origin, pathname, search } = new URL(canonical);
      const { status } = await send("GET", pathname + search);
      if (origin !== SHOP || status !== 200) broken.push(`${canonical}, canonical of ${from}: ${status}`);
    });
    for (const to of left) leftOut(`the link to ${to}`);
    console.log(`  ${known.size} addresses from the home page`);
    equal(broken, [], "links that lead nowhere");
    equal(missingAnchors, [], "places in a page that are not there");
    assert(known.size > 50, `only ${known.size} addresses were found`);
  });
}

/** The pages of which there is no kind, and why. */
const NO_KINDS = {
  "leads to another page": [
    "/", "/{lang}", "/{lang}/paid", "/{lang}/orders/{id}/pay", "/{lang}/orders/{id}/refresh",
    "/{lang}/orders/{id}/confirm", "/{lang}/confirm/resend", "/{lang}/account/addresses/delete",
    "/{lang}/account/security/password", "/{lang}/account/security/app", "/{lang}/account/security/app/confirm",
    "/{lang}/account/security/app/remove", "/{lang}/account/security/codes",
  ],
  "is read by programs": [
    "/{lang}/manifest.webmanifest", "/robots.txt", "/sitemap.xml", "/icon.svg", "/{lang}/feed.xml", "/sw.js",
    "/speculation-rules.json", "/app.js",
  ],
};

/** The paths of all pages, as the test of who may open them lists them. */
function routes() {
  const source = readFileSync(new URL("../conventions/authorization/pages.rs", import.meta.url), "utf8");
  const list = source.match(/\nconst PAGES\b.*?\n\];\n/s)?.[0] ?? "";
  return [...list.matchAll(/"(\/[^"]*)"/g)].map(([, path]) => path);
}

/** Whether a path is one of a route's, which names its parameters as the router does. */
function matches(route, path) {
  const language = `(${Object.keys(LANGUAGES).join("|")})`;
  const literal = (segment) => segment.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  const part = (segment) => {
    if (segment === "{lang}") return language;
    if (segment.startsWith("{*")) return ".+";
    return segment.startsWith("{") ? "[^/]+" : literal(segment);
  };
  return new RegExp(`^${route.split("/").map(part).join("/")}$`).test(path);
}

/** Each page that can be opened is of some kind, so that what holds for every kind holds for it. */
async function coverage(t, pages) {
  await t.check("every page that can be opened is of some kind", async () => {
    const all = routes();
    assert(all.length > 100, `only ${all.length} pages are listed`);
    const parameters = (route) => route.split("{").length;
    const covered = new Set();
    for (const { leadsTo } of pages) {
      const own = all.filter((route) => matches(route, leadsTo.split("?")[0]));
      // What is spelled out comes before a parameter, as in the router.
      covered.add(own.sort((one, other) => parameters(one) - parameters(other))[0]);
    }
    const excepted = new Map();
    for (const [why, paths] of Object.entries(NO_KINDS)) for (const path of paths) excepted.set(path, why);
    const wrong = [...excepted.keys()].filter((path) => !all.includes(path)).map((path) => `${path} is no page`);
    await each(all, async (route) => {
      const why = excepted.get(route);
      if (covered.has(route)) return why && wrong.push(`${route} has a kind, and an exception`);
      const path = route.replace("{lang}", "en").replace("{id}", "ord_00000000000000000000000001");
      const { status, headers } = await send("GET", path.replace(/\{[^}]*\}/g, "x1"));
      // A form's address alone.
      if (status === 405) return why && wrong.push(`${route} cannot be opened, and has an exception`);
      if (!why) return wrong.push(`${route} has no kind`);
      const leads = [301, 302, 303].includes(status) && !headers.location.includes("/sign-in?");
      const isForPrograms = status === 200 && !headers["content-type"].startsWith("text/html");
      if (!(why === "leads to another page" ? leads : isForPrograms)) wrong.push(`${route} ${why}: ${status}`);
    });
    equal(wrong, [], "pages and kinds");
  });
}

/** Each link of each kind of page, as whoever reads that page follows it; an address once. */
async function follows(t, pages, answers) {
  await t.check("every link of each kind of page leads somewhere", async () => {
    const readers = new Map();
    const missing = [];
    const foreign = new Map();
    for (const { kind, client, path } of pages) {
      // The pages of components show links that only look like ones.
      if (path.startsWith("/_local/")) continue;
      const found = linksOf(answers.get(kind));
      missing.push(...found.missing.map((place) => `${place} of ${kind}`));
      for (const to of found.foreign) foreign.set(to, kind);
      for (const to of found.links) if (!readers.has(to)) readers.set(to, { client, kind });
    }
    assert(readers.size <= MOST_LINKS, `there are ${readers.size} addresses, more than ${MOST_LINKS}`);
    const broken = [];
    await each(readers, async ([to, { client, kind }]) => {
      const { status, path } = await client.get(to);
      if (status >= 400) broken.push(`${to} of ${kind}: ${status}${path === to ? "" : ` at ${path}`}`);
    });
    console.log(`  ${readers.size} addresses from ${pages.length} kinds of pages`);
    equal(broken.slice(0, 12), [], `${broken.length} links lead nowhere`);
    equal(missing.slice(0, 12), [], `${missing.length} places in a page are not there`);
    // Help, an authenticator app, and the local store of files.
    const known =
      /^(https:\/\/t\.me\/\w|tel:\+\d|mailto:\S+@|otpauth:\/\/totp\/|http:\/\/127\.0\.0\.1:\d+\/_aws\/s3\/)/;
    const strange = [...foreign].filter(([to]) => !known.test(to));
    for (const [to, kind] of foreign) {
      const status = to.startsWith("http://127.0.0.1:") ? (await fetch(to)).status : 200;
      if (status !== 200) strange.push([to, kind, status]);
    }
    equal(strange.slice(0, 12), [], "links to somewhere else");
  });
}

const shownPictures = new Map();

/** Whether a picture is there; each is asked for once. */
function isPicture(address) {
  if (!shownPictures.has(address)) {
    const { origin, pathname, search } = new URL(address);
    const asked = send("GET", pathname + search);
    const isThere = asked.then(({ status, headers }) =>
      origin === SHOP && status === 200 && /^image\/(jpeg|png|webp)$/.test(headers["content-type"]));
    shownPictures.set(address, isThere);
  }
  return shownPictures.get(address);
}

/** What is wrong with what other programs show of a link to a page. */
async function sharedWrongly(address, html) {
  const named = (name) => first(html, new RegExp(`<meta (?:property|name)="${name}" content="([^"]*)"`));
  const wrong = ["title", "description", "type", "site_name", "locale"].filter((name) => !named(`og:${name}`));
  const all = wrong.map((name) => `${address} has no og:${name}`);
  if (named("og:url") !== address) all.push(`${address} has the og:url ${named("og:url")}`);
  const [picture, card] = [named("og:image"), named("twitter:card")];
  if (card !== (picture ? "summary_large_image" : "summary")) all.push(`${address} has the card ${card}`);
  if (picture && !(await isPicture(picture))) all.push(`${picture}, the picture of ${address}, is not there`);
  // The home page is shared with its name alone, although it shows many.
  if (!picture && /\/(products|[pcv]\/)/.test(address) && /<main\b.*<img/s.test(html))
    all.push(`${address} is shared without a picture`);
  return all;
}

async function installable(t) {
  await t.check("the manifest of each language is whole, and its addresses are there", async () => {
    for (const [code, tag] of Object.entries(LANGUAGES)) {
      const page = (await send("GET", `/${code}/`)).text;
      const at = first(page, /<link rel="manifest" href="([^"]*)"/);
      const { status, headers, text } = await send("GET", at);
      equal([status, headers["content-type"].split(";")[0]], [200, "application/manifest+json"], at);
      const manifest = JSON.parse(text);
      const { lang, start_url: start, scope, display } = manifest;
      equal({ lang, start, scope, display }, { lang: tag, start: `/${code}/`, scope: "/", display: "standalone" }, at);
      for (const name of ["name", "short_name", "theme_color", "background_color"]) {
        assert(manifest[name], `${at} has no ${name}`);
      }
      equal(first(page, /<meta name="theme-color" content="([^"]*)"/), manifest.theme_color, "the colour of the page");
      equal((await send("GET", start)).status, 200, `where ${at} begins`);
      assert(manifest.icons.length > 0, `${at} has no icon`);
      for (const { src, type } of manifest.icons) {
        const icon = await send("GET", src);
        equal([icon.status, icon.headers["content-type"].split(";")[0]], [200, type], `the icon ${src}`);
      }
    }
  });
  await t.check("a browser would install the shop", async () => {
    const who = await person();
    await who.page.goto("/en/");
    await who.page.evaluate(() => navigator.serviceWorker?.ready);
    const cdp = await who.context.newCDPSession(who.page);
    const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
    // Whoever is played here has no profile of their own.
    const others = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
    equal(others, [], "what stands in the way");
    await who.close();
  });
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
        const links = [...entry.matchAll(/hreflang="([^"]*)" href="([^"]*)"/g)].map(([, tag, href]) => [
          tag,
          decoded(href),
        ]);
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
      const words = {
        title: first(answer.text, /<title>([^<]*)</),
        description: first(answer.text, /name="description" content="([^"]*)"/),
      };
      for (const [name, text] of Object.entries(words)) if (!text) wrong.push(`${address} has no ${name}`);
      wrong.push(...(await sharedWrongly(address, answer.text)));
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
      if (tags.join() !== [...Object.values(LANGUAGES), "x-default"].sort().join())
        wrong.push(`${address} names ${tags}`);
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
  const kinds = {
    home: "/",
    list: "/products",
    category: `/c/${CHOSEN.categories[0]}`,
    product: `/p/${CHOSEN.handle}`,
    shop: "/v/chorsu-ceramics",
    search: "/search?q=bowl",
  };
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
      assert(
        !/\son\w+="|style="/.test(text.replace(/<script.*?<\/script>/gs, "")),
        `${path} has handlers or styles in attributes`,
      );
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

/** The currencies that prices can be read in, the first one without being asked for. */
async function currencies() {
  const html = (await send("GET", "/en/products")).text;
  const others = [...html.matchAll(/href="\/en\/products\?currency=(\w{3})"/g)].map(([, code]) => code);
  return [...new Set([undefined, ...others])];
}

const PRODUCTS = ["Product", "ProductGroup"];

/** Compares what a product costs in the API, on its page and in the page's data; in a currency that is asked for. */
async function pricesIn(currency) {
  const { json } = await api(`/products?limit=100${currency ? `&currency=${currency}` : ""}`);
  assert(json.items.length >= 46, `${json.items.length} products have a price in ${currency ?? "their own currency"}`);
  const wrong = [];
  const asked = (more) => new URLSearchParams({ ...more, ...(currency && { currency }) }).toString();
  await each(json.items, async (card) => {
    const product = (await api(`/products/${card.handle}?${asked()}`)).json;
    const html = (await send("GET", `/en/p/${card.handle}?${asked()}`)).text;
    const data = dataOf(html).find((one) => PRODUCTS.includes(one["@type"]));
    const offers = data.offers ?? data.hasVariant.map((variant) => variant.offers);
    const offered = new Map([offers].flat().map((offer) => [new URL(offer.url).searchParams.get("variant"), offer]));
    equal(data.name, product.title, `name of ${card.handle}`);
    for (const variant of product.variants) {
      const query = asked({ variant: variant.id });
      const isAlone = product.variants.length === 1;
      const page = isAlone ? html : (await send("GET", `/en/p/${card.handle}?${query}`)).text;
      const shown = decoded(page.match(/<p class="price[^"]*"><span>([^<]*)/)[1]);
      const offer = offered.get(variant.id) ?? {};
      const same = [variant.price.amount, offer.price, digits(shown)].map(Number);
      const isAsked = !currency || variant.price.currency === currency;
      if (new Set(same).size !== 1 || offer.priceCurrency !== variant.price.currency || !isAsked) {
        wrong.push(`${variant.id} of ${card.handle}: ${same} (${shown}, ${offer.priceCurrency})`);
      }
      const isInStock = offer.availability === "https://schema.org/InStock";
      if (typeof variant.available === "number" && isInStock !== variant.available > 0) {
        wrong.push(`${variant.id} of ${card.handle}: ${offer.availability}, and ${variant.available} are there`);
      }
    }
  });
  equal(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
}

/** What machines read of a page, by its types. */
async function machines(t) {
  const pages = {
    "/": ["Organization"],
    "/products": ["BreadcrumbList", "ItemList"],
    [`/c/${CHOSEN.categories.join("/")}`]: ["BreadcrumbList", "ItemList"],
    [`/p/${CHOSEN.handle}`]: ["BreadcrumbList", "ProductGroup"],
    [`/p/${SOUGHT.handle}`]: ["BreadcrumbList", "Product"],
    "/v/chorsu-ceramics": ["BreadcrumbList", "ItemList"],
  };
  const answers = async (address, what) => {
    const { origin, pathname, search } = new URL(address);
    const { status } = await send("GET", pathname + search);
    equal([origin, status], [SHOP, 200], `${address}, ${what}`);
  };
  const look = {
    async Organization(one, at) {
      equal(one.url, SHOP + at, `the address of who sells at ${at}`);
      assert(one.name, `${at} names nobody`);
      await answers(one.logo, "the logo");
    },
    async BreadcrumbList({ itemListElement: all }, at) {
      equal(all.map(({ position }) => position), all.map((_, place) => place + 1), `places of the way to ${at}`);
      assert(all.length > 1 && all.every(({ name }) => name), `the way to ${at} has ${all.length} names`);
      for (const { item } of all) await answers(item, `on the way to ${at}`);
    },
    async ItemList({ itemListElement: all }, at, html) {
      equal(all.map(({ position }) => position), all.map((_, place) => place + 1), `places of the list ${at}`);
      const cards = html.split('<li class="card">').slice(1);
      const shown = cards.map((card) => SHOP + decoded(card.match(/href="([^"?]*)/)[1]));
      const listed = all.map(({ url }) => new URL(url).origin + new URL(url).pathname);
      equal(listed, shown.slice(0, listed.length), `what the list ${at} names`);
      assert(listed.length > 0, `the list ${at} names nothing`);
      await each(all, ({ url }) => answers(url, `in the list ${at}`));
    },
    async ProductGroup({ hasVariant: all, name, url }, at) {
      equal(url, SHOP + at, `the address of the product ${at}`);
      assert(name && all.length > 1, `${at} is a group of ${all.length}`);
      for (const variant of all) await this.Product({ url, ...variant }, at);
    },
    async Product({ name, url, image, offers }, at) {
      equal([url, offers?.["@type"]], [SHOP + at, "Offer"], `the product ${at}`);
      assert(name && /^\d+(\.\d+)?$/.test(offers.price) && offers.priceCurrency, `the offer of ${at}`);
      assert(/^https:\/\/schema\.org\/\w+$/.test(offers.availability), `what is there of ${at}`);
      for (const picture of image) assert(await isPicture(picture), `the picture ${picture} of ${at}`);
      await answers(offers.url, `the offer of ${at}`);
    },
  };
  await t.check("machines read what each kind of page is, in every language", async () => {
    for (const code of Object.keys(LANGUAGES)) {
      for (const [path, types] of Object.entries(pages)) {
        const at = `/${code}${path}`;
        const html = (await send("GET", at)).text;
        const data = dataOf(html);
        equal(data.map((one) => one["@type"]).sort(), types, `the types of ${at}`);
        for (const one of data) {
          equal(one["@context"], "https://schema.org", `the words of ${at}`);
          await look[one["@type"]](one, at, html);
        }
      }
    }
  });
}

async function prices(t) {
  const all = await currencies();
  for (const currency of all) {
    await t.check(`a price is the same for people, for machines and for programs, in ${currency ?? "its own"}`, () =>
      pricesIn(currency));
  }
  await t.check("a list has the prices of the catalog, in every language and currency", async () => {
    const wrong = [];
    for (const currency of all) {
      const { json } = await api(`/products?limit=20${currency ? `&currency=${currency}` : ""}`);
      for (const language of Object.keys(LANGUAGES)) {
        const page = (await send("GET", `/${language}/products${currency ? `?currency=${currency}` : ""}`)).text;
        const cards = page.split('<li class="card">').slice(1);
        for (const [place, card] of json.items.entries()) {
          const shown = decoded(cards[place]?.match(/<p class="price[^"]*">\s*([^<]*)/)?.[1] ?? "");
          if (Number(digits(shown)) !== Number(card.price.amount))
            wrong.push(`${card.handle} in ${language}: ${shown}, and ${card.price.amount} ${card.price.currency}`);
        }
      }
    }
    equal(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
  });
}

async function validity(t, pages, { warns = true } = {}) {
  await t.check(`vnu finds nothing on ${pages.length} kinds of pages`, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "bozor-pages-"));
    try {
      const names = new Map();
      for (const [place, kind] of pages.entries()) {
        const file = path.join(folder, `${place}.html`);
        writeFileSync(file, (await answerOf(kind)).text);
        names.set(file, kind.kind);
      }
      const jar = path.join(path.dirname(require.resolve("vnu-jar/package.json")), "build/dist/vnu.jar");
      const found = await new Promise((resolve, reject) => {
        const options = { maxBuffer: 1 << 26, timeout: 120_000 };
        execFile(
          "java",
          ["-Xss2m", "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always", ...names.keys()],
          options,
          (error, out) => (error ? reject(error) : resolve(JSON.parse(out))),
        );
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
      const warnings = lines.filter((line) => line.startsWith("warning"));
      if (warns) for (const line of warnings) console.log(`  vnu: ${line}`);
      equal(lines.filter((line) => !/^(warning|info)/.test(line)).slice(0, 12), [], "errors");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Browsers of the readers of pages, one for each. */
function browsers(options) {
  const readers = new Map();
  return {
    async of(client) {
      if (!readers.has(client)) {
        const reader = await person(options);
        await client.lendTo(reader.context);
        readers.set(client, reader);
      }
      return readers.get(client);
    },
    async close() {
      for (const reader of readers.values()) await reader.close();
    },
  };
}

async function fits(page) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await hasNoOverflow(page);
  }
}

/** What axe finds on the page as it stands. */
async function violations(page, { widths, schemes }) {
  const wrong = new Set();
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // Colours are what differs in the dark.
      const runOnly = colorScheme === "light" ? undefined : { type: "rule", values: IN_THE_DARK };
      const options = { resultTypes: ["violations"], ...(runOnly && { runOnly }) };
      const found = await page.evaluate((options) => axe.run(document, options), options);
      for (const { id, nodes } of found.violations) {
        const place = (node) => `${node.html.slice(0, 100)} ${node.failureSummary.split("\n")[1] ?? ""}`;
        wrong.add(`${width} ${colorScheme} ${id}: ${nodes.slice(0, 2).map(place).join(" ")}`);
      }
    }
  }
  return [...wrong];
}

/** Whether everybody can use a page, and whether it fits each screen. */
async function everybody(t, pages, how) {
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const readers = browsers({ bypass: true });
  for (const kind of pages) {
    const { page } = await readers.of(kind.client);
    t.page = page;
    const isThere = await t.check(`shown: ${kind.kind}`, async () => {
      await page.setViewportSize({ width: WIDTHS[0], height: 640 });
      const response = await show(page, kind);
      const to = kind.sends.at(-1)?.action ?? kind.leadsTo.split("?")[0];
      equal([response.status(), pathOf(page)], [kind.status, to], "the page");
      if (kind.language) await isTranslated(page, kind.language);
    });
    if (!isThere) continue;
    await t.check(`axe: ${kind.kind}`, async () => {
      await page.evaluate(axe);
      const wrong = await violations(page, how);
      equal(wrong.slice(0, 6), [], `${wrong.length} violations on ${kind.path}`);
    });
    await t.check(`fits ${WIDTHS.join(", ")} px: ${kind.kind}`, () => fits(page));
  }
  await readers.close();
}

/** Visits each kind with the policy in force: nothing is refused by it, nothing complains, every picture is there. */
async function policy(t, pages) {
  const readers = browsers({});
  for (const kind of pages) {
    const reader = await readers.of(kind.client);
    const { page, complaints, errors } = reader;
    t.page = page;
    await t.check(`no complaint: ${kind.kind}`, async () => {
      complaints.length = 0;
      errors.length = 0;
      const response = await show(page, kind);
      const said = response.headers()["content-security-policy"] ?? "";
      assert(said.includes("default-src 'none'"), `the policy is ${said}`);
      // Pictures below the screen are asked for too.
      const broken = await page.evaluate(() => {
        const loaded = [...document.images].map((image) => {
          image.loading = "eager";
          return image.decode().then(() => "", () => image.src);
        });
        return Promise.all(loaded).then((all) => all.filter(Boolean));
      });
      equal(broken, [], "pictures that are not there");
      // Chromium complains of the status of the page itself.
      const isOwn = ({ text, url }) => kind.status >= 400 && url === page.url() && text.includes(kind.status);
      // The browser asks for it once only, whichever page comes first without an icon.
      const isIcon = ({ url }) => url.endsWith("/favicon.ico");
      const others = errors.filter((error) => !isOwn(error) && !isIcon(error));
      const unlike = others.map(({ text, url }) => `${text} (${url})`);
      equal([...complaints, ...unlike].slice(0, 4), [], `complaints at ${kind.path}`);
    });
  }
  await readers.close();
}

async function icons(t, pages, answers) {
  await t.check("no page has browsers ask for an icon that is not there", async () => {
    const { status } = await send("GET", "/favicon.ico");
    const bare = [];
    for (const kind of pages.filter(({ path }) => !path.startsWith("/_local/"))) {
      const { text } = answers.get(kind.kind);
      if (status >= 400 && !/<link\b[^>]*rel="icon"/.test(text)) bare.push(kind.kind);
    }
    equal(bare, [], `without an icon, and /favicon.ico is answered ${status}`);
  });
}

async function weights(t, pages, answers) {
  await t.check(`no page is over ${MOST_PRIVATE} bytes`, async () => {
    const large = [];
    let most = [0, ""];
    for (const kind of pages.filter(({ path }) => !path.startsWith("/_local/"))) {
      const answer = answers.get(kind.kind);
      if (!answer.headers["content-encoding"]) large.push(`${kind.kind}: ${answer.sentBytes}, not compressed`);
      if (answer.sentBytes > most[0]) most = [answer.sentBytes, kind.kind];
      if (answer.sentBytes > MOST_PRIVATE) large.push(`${kind.kind}: ${answer.sentBytes}`);
    }
    console.log(`  the largest of all kinds: ${most[1]}, ${most[0]} bytes`);
    equal(large, [], "large pages");
  });
}

export default async function audit() {
  const has = await offered();
  // What is kept somewhere may be older than what was changed last.
  await advance("10m");
  await road("links and sitemap", async (t) => {
    await crawl(t, has);
    await sitemap(t);
    await installable(t);
  });
  await road("sizes and prices", async (t) => {
    await sizes(t);
    await prices(t);
    await machines(t);
  });
  let pages = [];
  await road("each kind of page", async (t) => {
    await t.step("the pages", async () => (pages = await kinds(has)));
    const answers = new Map();
    await t.check("each kind is what it should be", async () => {
      const wrong = [];
      for (const kind of pages) {
        const answer = await answerOf(kind);
        assert(!answers.has(kind.kind), `two kinds are called ${kind.kind}`);
        answers.set(kind.kind, answer);
        const [found, expected] = [`${answer.status} ${answer.path}`, `${kind.status} ${kind.leadsTo}`];
        if (found !== expected) wrong.push(`${kind.kind}: ${found} instead of ${expected}`);
        if (!mainOf(answer.text).includes("<h1")) wrong.push(`${kind.kind} has no heading`);
      }
      equal(wrong, [], "kinds");
    });
    if (has.account && has.desk && has.operate) await coverage(t, pages);
    await follows(t, pages, answers);
    await weights(t, pages, answers);
    await icons(t, pages, answers);
    await policy(t, pages);
    // One of both waits for java, the other one for the browser.
    await Promise.all([validity(t, pages), everybody(t, pages, { widths: [320, 1280], schemes: ["light", "dark"] })]);
  });
  await road("the main kinds of page in other languages", async (t) => {
    const others = ["ru", "uz", "uz-cyrl", "zh"].flatMap((language) => inLanguage(pages, language));
    const how = { widths: [320], schemes: ["light"] };
    await Promise.all([validity(t, others, { warns: false }), everybody(t, others, how)]);
  });
}

await alone(import.meta, audit);
