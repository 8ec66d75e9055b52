// Lighthouse on a phone: the median of N runs (5) for each page and each of LANGUAGES (uz,ru,en,zh), as a table for
// infra/figures.md. PAGES narrows it down.
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import { chromium } from "playwright-core";
import { Client, SHOP, assert, counted, equal, leftOut, newEmail, offered } from "./lib.mjs";
import { addTo, orderOf, signIn } from "./acts.mjs";
import { CHOSEN } from "./guest.mjs";

const RUNS = Number(process.env.N ?? 5);
const FOUR = ["uz", "ru", "en", "zh"];
const languages = process.env.LANGUAGES?.split(",") ?? FOUR;
const AT_LEAST = { performance: 95, accessibility: 100, "best-practices": 100, seo: 100 };
/** What a page may take at most, each with how it is written: milliseconds, and shifts as the browser scores them. */
const AT_MOST = [
  { name: "LCP", audit: "largest-contentful-paint", most: 1_300, written: (ms) => `${(ms / 1000).toFixed(2)} s` },
  { name: "TBT", audit: "total-blocking-time", most: 50, written: (ms) => `${ms.toFixed(0)} ms` },
  { name: "CLS", audit: "cumulative-layout-shift", most: 0.0005, written: (score) => score.toFixed(5) },
];

const median = (numbers) => {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function signedIn(contact) {
  const client = new Client();
  equal((await signIn(client, contact)).status, 303, `signing in as ${contact}`);
  return client;
}

/** Pages without their language, with who reads those that are somebody's. The path of a desk has no language. */
async function pagesToMeasure() {
  const has = await offered();
  const guest = new Client();
  await addTo(guest, CHOSEN.handle);
  const { path } = await orderOf(guest, newEmail("lighthouse"));
  await addTo(guest, CHOSEN.handle);
  await orderOf(guest, newEmail("lighthouse"), { stops: true });
  const all = [
    { name: "home", path: "/", indexed: true },
    { name: "list", path: `/c/${CHOSEN.categories.join("/")}`, indexed: true },
    { name: "product", path: `/p/${CHOSEN.handle}`, indexed: true },
    { name: "shop", path: "/v/chorsu-ceramics", indexed: true },
    { name: "cart", path: "/cart", client: guest },
    { name: "checkout", path: "/checkout", client: guest },
    { name: "delivery", path: "/checkout/delivery", client: guest },
    { name: "payment", path: "/checkout/payment", client: guest },
    { name: "order", path: path.replace(/^\/en/, ""), client: guest },
  ];
  if (has.account) {
    all.push({ name: "sign-in", path: "/sign-in", client: new Client() });
    all.push({ name: "account", path: "/account", client: await signedIn("buyer@bozor.test") });
  } else {
    leftOut("sign-in and account: /en/sign-in is not there");
  }
  if (has.desk)
    all.push({ name: "desk", path: "/desk/orders", isDesk: true, client: await signedIn("vendor@bozor.test") });
  else leftOut("the desk: /desk is not there");
  if (has.operate)
    all.push({ name: "operate", path: "/operate", isDesk: true, client: await signedIn("admin@bozor.test") });
  else leftOut("the operator's desk: /operate is not there");
  const wanted = process.env.PAGES?.split(",");
  const chosen = all.filter(({ name }) => !wanted || wanted.includes(name));
  assert(chosen.length > 0, `PAGES names none of ${all.map(({ name }) => name)}`);
  return chosen;
}

const chromeFlags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What lowers a score, in the words of the audits. */
function reasons({ categories, audits }, category) {
  const least = category === "performance" ? 0.9 : 1;
  const weak = categories[category].auditRefs.filter(({ id, weight }) => {
    return weight > 0 && audits[id].score !== null && audits[id].score < least;
  });
  return weak.map(({ id }) => `${id}: ${audits[id].displayValue ?? audits[id].title}`);
}

/**
 * Makes the browser its reader's: Lighthouse empties every storage but leaves the cookies. Who is connected while it
 * measures gives the page work to do, which it counts.
 */
async function lend(port, { client, isDesk }, language) {
  const own = await chromium.connectOverCDP(`http://localhost:${port}`);
  const [context] = own.contexts();
  await context.clearCookies();
  if (client) await client.lendTo(context);
  // The cookie says the language where the path does not.
  if (client && isDesk) await context.addCookies([{ name: "language", value: language, url: SHOP }]);
  await own.close();
}

async function measured(page, language, port) {
  const url = SHOP + (page.isDesk ? page.path : `/${language}${page.path}`);
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) {
    await lend(port, page, language);
    const { lhr } = await lighthouse(url, {
      port,
      logLevel: "error",
      output: "json",
      formFactor: "mobile",
      onlyCategories: Object.keys(AT_LEAST),
    });
    if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
    // A page that leads to the sign-in would have another page's figures.
    equal(new URL(lhr.finalDisplayedUrl).href, new URL(url).href, "the page that was measured");
    runs.push(lhr);
  }
  return runs;
}

/** Elements that were moved, each with by how much. */
function shifts({ audits }) {
  const items = audits["layout-shifts"]?.details?.items ?? [];
  return items.map(({ node, score }) => `${node?.snippet ?? "the page"} ${score}`);
}

function judge(what, holds, told) {
  if (holds) {
    counted.passed += 1;
    return;
  }
  counted.failed += 1;
  console.log(`FAILED ${what}: ${told}`);
}

/** A page's row of the table, after its figures are judged. */
function judged({ name, indexed }, language, runs) {
  const what = `${language} ${name}`;
  const score = (category) => Math.round(median(runs.map((run) => run.categories[category].score)) * 100);
  const value = (audit) => median(runs.map((run) => run.audits[audit].numericValue ?? NaN));
  const shown = {};
  for (const [category, least] of Object.entries(AT_LEAST)) {
    if (category === "seo" && !indexed) continue;
    shown[category] = score(category);
    const why = new Set(runs.flatMap((run) => reasons(run, category)));
    judge(
      `${category} of ${what}`,
      shown[category] >= least,
      `${shown[category]}, not ${least} (${[...why].join("; ")})`,
    );
  }
  for (const { name, audit, most, written } of AT_MOST) {
    const moved = name === "CLS" ? ` (${[...new Set(runs.flatMap(shifts))].join("; ")})` : "";
    judge(`${name} of ${what}`, value(audit) <= most, `${written(value(audit))}, at most ${written(most)}${moved}`);
  }
  return [
    language,
    name,
    shown.performance,
    shown.accessibility,
    shown["best-practices"],
    shown.seo ?? "noindex",
    `${(value("first-contentful-paint") / 1000).toFixed(2)} s`,
    ...AT_MOST.map(({ audit, written }) => written(value(audit))),
    `${(value("total-byte-weight") / 1024).toFixed(0)} KB`,
  ];
}

const pages = await pagesToMeasure();
const chrome = await launch({ chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium", chromeFlags });
const rows = [];
try {
  for (const language of languages) {
    for (const page of pages) rows.push(judged(page, language, await measured(page, language, chrome.port)));
  }
} finally {
  await chrome.kill();
}
const head = [
  "language",
  "page",
  "performance",
  "accessibility",
  "best practices",
  "SEO",
  "FCP",
  "LCP",
  "TBT",
  "CLS",
  "bytes",
];
const line = (cells) => `| ${cells.join(" | ")} |`;
console.log(`\nLighthouse, mobile, median of ${RUNS}:\n`);
console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
const others = FOUR.filter((language) => !languages.includes(language));
if (others.length > 0) leftOut(`${others}: LANGUAGES has only ${languages}`);
console.log(`${counted.passed} passed, ${counted.failed} failed`);
process.exit(counted.failed > 0 ? 1 : 0);
