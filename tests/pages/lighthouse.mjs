// Lighthouse on a phone: the median of N runs (5) for each page and each of LANGUAGES (en), as a table for
// infra/figures.md. PAGES narrows it down.
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import { Client, SHOP, counted, leftOut, newEmail } from "./lib.mjs";
import { addTo, orderOf } from "./acts.mjs";
import { CHOSEN } from "./guest.mjs";

const RUNS = Number(process.env.N ?? 5);
const languages = (process.env.LANGUAGES ?? "en").split(",");
const PAGES = [
  { name: "home", path: "/", indexed: true },
  { name: "list", path: `/c/${CHOSEN.categories.join("/")}`, indexed: true },
  { name: "product", path: `/p/${CHOSEN.handle}`, indexed: true },
  { name: "shop", path: "/v/chorsu-ceramics", indexed: true },
  { name: "cart", path: "/cart" },
  { name: "checkout", path: "/checkout" },
].filter(({ name }) => !process.env.PAGES || process.env.PAGES.split(",").includes(name));
const AT_LEAST = { performance: 95, accessibility: 100, "best-practices": 100, seo: 100 };

const median = (numbers) => {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// Somebody with a cart, since cart and checkout are nobody's otherwise.
const client = new Client();
await addTo(client, CHOSEN.handle);
await orderOf(client, newEmail("lighthouse"), { stops: true });

const chrome = await launch({
  chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  chromeFlags: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const rows = [];
try {
  for (const language of languages) {
    for (const { name, path, indexed } of PAGES) {
      const runs = [];
      let why = new Set();
      for (let run = 0; run < RUNS; run += 1) {
        const { lhr } = await lighthouse(`${SHOP}/${language}${path}`, {
          port: chrome.port,
          logLevel: "error",
          output: "json",
          formFactor: "mobile",
          onlyCategories: Object.keys(AT_LEAST),
          extraHeaders: indexed ? undefined : { cookie: client.header() },
        });
        if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
        runs.push(lhr);
        for (const [category, least] of Object.entries(AT_LEAST)) {
          if (category === "seo" && !indexed) continue;
          if (Math.round(lhr.categories[category].score * 100) >= least) continue;
          for (const { id, weight } of lhr.categories[category].auditRefs) {
            const audit = lhr.audits[id];
            const passes = audit.score === null || audit.score >= (category === "performance" ? 0.9 : 1);
            if (weight > 0 && !passes) why.add(`${id}: ${audit.displayValue ?? audit.title}`);
          }
        }
      }
      const score = (category) => Math.round(median(runs.map((run) => run.categories[category].score)) * 100);
      const value = (audit) => median(runs.map((run) => run.audits[audit].numericValue ?? 0));
      const scores = Object.fromEntries(Object.keys(AT_LEAST).map((category) => [category, score(category)]));
      for (const [category, least] of Object.entries(AT_LEAST)) {
        if (category === "seo" && !indexed) continue;
        if (scores[category] >= least) counted.passed += 1;
        else {
          counted.failed += 1;
          console.log(`FAILED ${category} of ${language} ${name}: ${scores[category]} instead of ${least} (${[...why].join("; ")})`);
        }
      }
      rows.push([
        language, name, scores.performance, scores.accessibility, scores["best-practices"], indexed ? scores.seo : "noindex",
        `${(value("first-contentful-paint") / 1000).toFixed(1)} s`, `${(value("largest-contentful-paint") / 1000).toFixed(1)} s`,
        `${value("total-blocking-time").toFixed(0)} ms`, value("cumulative-layout-shift").toFixed(3),
        `${(value("total-byte-weight") / 1024).toFixed(0)} KB`,
      ]);
    }
  }
} finally {
  await chrome.kill();
}
const head = ["language", "page", "performance", "accessibility", "best practices", "SEO", "FCP", "LCP", "TBT", "CLS", "bytes"];
const line = (cells) => `| ${cells.join(" | ")} |`;
console.log(`\nLighthouse, mobile, median of ${RUNS}:\n`);
console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
if (languages.length < 4) leftOut(`other languages than ${languages}: LANGUAGES=uz,uz-cyrl,ru,en,zh`);
console.log(`${counted.passed} passed, ${counted.failed} failed`);
process.exit(counted.failed > 0 ? 1 : 0);
