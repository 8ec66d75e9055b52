// What the parts share: where the shop is, steps that are counted, a browser, and a client that sends exactly what it
// is told.
import http from "node:http";
import zlib from "node:zlib";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const SHOP = new URL(process.env.BOZOR_URL ?? "http://localhost:3000").origin;
export const PASSWORD = "Bozor-demo-2026!";
export const LANGUAGES = { uz: "uz", "uz-cyrl": "uz-Cyrl", ru: "ru", en: "en", zh: "zh" };
const OUT = fileURLToPath(new URL("./out/", import.meta.url));

/** How long anything may take that somebody waits for. */
export const TIMEOUT_MS = 15_000;

/** Nobody else uses these addresses, also when the same server is asked twice. */
const run = `${Date.now().toString(36)}${process.pid.toString(36)}`;
let people = 0;
export const newEmail = (who = "guest") => `${who}-${run}-${(people += 1)}@guests.test`;
export const newPhone = () => `+99890${String((Date.now() * 7 + (people += 1) * 13) % 10_000_000).padStart(7, "0")}`;

// ---- steps

export const counted = { passed: 0, failed: 0, leftOut: [] };

export class Failure extends Error {}

export function assert(holds, what) {
  if (!holds) throw new Failure(what);
}

export function equal(found, expected, what) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Failure(`${what}: ${one} instead of ${other}`);
}

export function leftOut(what) {
  counted.leftOut.push(what);
  console.log(`  left out: ${what}`);
}

/**
 * A road of steps. A step that fails ends its road, since the next ones stand on it; `check` looks at something on
 * which nothing stands. `page()` is what is shown when a step fails.
 */
export async function road(name, walk) {
  const begun = Date.now();
  console.log(`${name}`);
  const t = { page: null, broken: false };
  t.check = async (what, look) => {
    try {
      await look();
      counted.passed += 1;
      if (process.env.VERBOSE) console.log(`  ok ${what}`);
      return true;
    } catch (error) {
      counted.failed += 1;
      await tell(`${name}: ${what}`, error, t.page);
      return false;
    }
  };
  t.step = async (what, act) => {
    if (!(await t.check(what, act))) throw new Ended();
  };
  try {
    await walk(t);
  } catch (error) {
    if (!(error instanceof Ended)) {
      counted.failed += 1;
      await tell(`${name}, between steps`, error, t.page);
    }
  }
  console.log(`  ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

class Ended extends Error {}

async function tell(what, error, page) {
  const reason = error instanceof Failure ? error.message : (error.stack ?? String(error));
  console.log(`  FAILED ${what}\n    ${reason.split("\n").slice(0, 6).join("\n    ")}`);
  if (!page || page.isClosed()) return;
  mkdirSync(OUT, { recursive: true });
  const file = `${OUT}${what.replace(/[^a-z0-9]+/gi, "-").slice(0, 100)}.png`;
  await page.screenshot({ path: file, fullPage: true, timeout: 5_000 }).catch(() => {});
  console.log(`    at ${page.url()}\n    ${file}`);
}

/** Looks again and again until something is there. */
export async function until(what, look) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Failure(`${what} did not come within ${TIMEOUT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// ---- a client that sends exactly what it is told

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

export function send(method, url, { headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = { ...headers };
    if (body !== undefined) sent["content-length"] = Buffer.byteLength(body);
    const { hostname, port } = new URL(SHOP);
    // The path goes as it is written: no rule for addresses makes it another one.
    const to = { hostname, port, path: url, method, headers: sent, agent, timeout: 30_000 };
    const request = http.request(to, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const raw = Buffer.concat(chunks);
        const packed = response.headers["content-encoding"] === "gzip";
        const text = (packed ? zlib.gunzipSync(raw) : raw).toString("utf8");
        resolve({ status: response.statusCode, headers: response.headers, text, sentBytes: raw.length });
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${method} ${url} took more than 30 s`)));
    request.on("error", reject);
    request.end(body);
  });
}

export async function api(path, { token, json, method = json === undefined ? "GET" : "POST", headers = {} } = {}) {
  const sent = { ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (json !== undefined) sent["content-type"] = "application/json";
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await send(method, `/v1${path}`, { headers: sent, body });
  assert(answer.status < 400, `${method} /v1${path} answered ${answer.status}: ${answer.text.slice(0, 600)}`);
  return { ...answer, json: answer.text ? JSON.parse(answer.text) : null };
}

/** A browser without a browser: keeps cookies, and says what a page of the shop's own says. */
export class Client {
  cookies = new Map();
  /** Each cookie as it was set. */
  set = [];

  header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async send(method, path, { headers = {}, body } = {}) {
    const sent = { "accept-language": "en", ...headers };
    if (this.cookies.size > 0) sent.cookie = this.header();
    const answer = await send(method, path, { headers: sent, body });
    for (const line of answer.headers["set-cookie"] ?? []) {
      this.set.push(line);
      const [name, value] = line.split(";")[0].split(/=(.*)/s);
      if (value === "" || /max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  /** A page, after what it leads to. */
  async get(path, headers = {}) {
    let answer = await this.send("GET", path, { headers });
    answer.path = path;
    for (let hops = 0; hops < 5 && [301, 302, 303, 307, 308].includes(answer.status); hops += 1) {
      const to = new URL(answer.headers.location, new URL(answer.path, SHOP));
      if (to.origin !== SHOP) break;
      answer = await this.send("GET", to.pathname + to.search, { headers });
      answer.path = to.pathname + to.search;
    }
    return answer;
  }

  /** A form as a page of the shop sends it. It follows nowhere. */
  post(path, fields, headers = { "sec-fetch-site": "same-origin", origin: SHOP }) {
    const body = encoded(fields);
    return this.send("POST", path, {
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    });
  }

  async lendTo(context) {
    const cookies = [...this.cookies].map(([name, value]) => ({ name, value, url: SHOP }));
    await context.addCookies(cookies);
  }
}

export const encoded = (fields) => new URLSearchParams(fields instanceof Map ? [...fields] : fields).toString();

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** The text that an attribute or an element's text means. */
export function decoded(html) {
  return html.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? whole;
    return String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16));
  });
}

function attributes(tag) {
  const found = {};
  for (const [, name, value] of tag.matchAll(/\s([a-z][\w:-]*)(?:="([^"]*)")?/gi)) found[name] = decoded(value ?? "");
  return found;
}

/** The forms of a page that are posted, with what they would send as they stand. */
export function formsOf(html) {
  const forms = [];
  for (const [, open, inner] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const form = attributes(open);
    if (form.method?.toLowerCase() !== "post") continue;
    const fields = [];
    for (const [tag] of inner.matchAll(/<input\b[^>]*>/gi)) {
      const input = attributes(tag);
      const chosen = !["radio", "checkbox"].includes(input.type) || "checked" in input;
      if (input.name && chosen && input.type !== "file") fields.push([input.name, input.value ?? ""]);
    }
    for (const [, tag, text] of inner.matchAll(/<textarea\b([^>]*)>(.*?)<\/textarea>/gis)) {
      fields.push([attributes(tag).name, decoded(text)]);
    }
    for (const [, tag, options] of inner.matchAll(/<select\b([^>]*)>(.*?)<\/select>/gis)) {
      const chosen = options.match(/<option\b[^>]*\bselected[^>]*>/i) ?? options.match(/<option\b[^>]*>/i);
      fields.push([attributes(tag).name, chosen ? (attributes(chosen[0]).value ?? "") : ""]);
    }
    const buttons = [...inner.matchAll(/<button\b([^>]*)>/gi)].map(([, tag]) => attributes(tag));
    forms.push({ action: form.action, files: form.enctype === "multipart/form-data", fields, buttons });
  }
  return forms;
}

export function formTo(html, action) {
  const form = formsOf(html).find((form) => form.action === action);
  assert(form, `no form posts to ${action}`);
  return form;
}

export const mainOf = (html) => html.match(/<main\b.*<\/main>/s)?.[0] ?? html;

// ---- what only the server on one's own machine has

const json = { accept: "application/json" };

export const idle = () => send("POST", "/_local/idle");

/** Time goes by: what the edge keeps of pages and answers is old then. */
export async function advance(time) {
  await idle();
  await send("POST", "/_local/clock", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ advance: time }),
  });
  await idle();
}

export async function messagesTo(contact) {
  await idle();
  const answer = await send("GET", `/_local/messages?to=${encodeURIComponent(contact)}`, { headers: json });
  const { items } = JSON.parse(answer.text);
  return items.sort((one, other) => one.at.localeCompare(other.at));
}

/** The newest code that was sent to somebody, after as many codes as they have had before. */
export async function codeFor(contact, before = 0) {
  const codes = async () => (await messagesTo(contact)).filter((message) => message.code);
  const found = await until(`a code for ${contact}`, async () => {
    const known = await codes();
    return known.length > before && known;
  });
  return found.at(-1).code;
}

export const codesFor = async (contact) => (await messagesTo(contact)).filter((message) => message.code).length;

/** What the server has: pages of the account, and of the desks. */
export async function offered() {
  const status = async (path) => (await send("GET", path)).status;
  const [account, desk, operate] = await Promise.all(["/en/sign-in", "/desk", "/operate"].map(status));
  return { account: account !== 404, desk: desk !== 404, operate: operate !== 404 };
}

// ---- a browser

let browser;

export async function chrome() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Nothing but this machine is asked for anything.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ],
  });
  return browser;
}

export async function closeChrome() {
  await browser?.close();
  browser = undefined;
  agent.destroy();
}

/** Somebody with a browser of their own. What its pages complain of is kept. */
export async function person({
  scripts = true,
  width = 1280,
  height = 900,
  locale = "en",
  scheme = "light",
  bypass = false,
} = {}) {
  const browserOfAll = await chrome();
  const context = await browserOfAll.newContext({
    javaScriptEnabled: scripts,
    viewport: { width, height },
    baseURL: SHOP,
    locale,
    colorScheme: scheme,
    reducedMotion: "reduce",
    bypassCSP: bypass,
    serviceWorkers: "allow",
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  context.setDefaultNavigationTimeout(TIMEOUT_MS);
  const complaints = [];
  // Whatever the browser calls an error: an answer of 404 to the page itself is one too.
  const errors = [];
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`securitypolicyviolation ${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  const known = new Set();
  const watch = (page) => {
    if (known.has(page)) return;
    known.add(page);
    const where = () => new URL(page.url(), SHOP).pathname;
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error") errors.push({ text, url: message.location().url });
      if (/content security policy|securitypolicyviolation/i.test(text))
        complaints.push(`policy at ${where()}: ${text}`);
    });
    page.on("pageerror", (error) => complaints.push(`script at ${where()}: ${error.message}`));
    page.on("dialog", (dialog) => {
      if (dialog.type() !== "beforeunload") complaints.push(`dialog at ${where()}: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on("response", (response) => {
      const is_own = response.url().startsWith(SHOP);
      if (is_own && response.status() >= 500) complaints.push(`${response.status()} of ${response.url()}`);
      const part = ["image", "script", "stylesheet", "manifest"].includes(response.request().resourceType());
      if (is_own && part && response.status() >= 400) complaints.push(`${response.status()} of ${response.url()}`);
    });
  };
  context.on("page", watch);
  const page = await context.newPage();
  watch(page);
  const none = () => {
    const unlike = [...new Set(complaints)];
    equal(unlike.slice(0, 4), [], `${unlike.length} complaints`);
  };
  return { context, page, complaints, errors, hasNone: none, close: () => context.close() };
}

export const pathOf = (page) => new URL(page.url()).pathname;

/** Presses something that leads to another page, and gives its answer once it stands. */
export async function follow(page, press) {
  const [response] = await Promise.all([page.waitForNavigation({ waitUntil: "load" }), press()]);
  assert(response, `${page.url()} is the same page as before`);
  return response;
}

export async function hasNoOverflow(page) {
  const [inner, needed] = await page.evaluate(() => [
    document.documentElement.clientWidth,
    document.documentElement.scrollWidth,
  ]);
  assert(needed <= inner, `${pathOf(page)} is ${needed} px wide on a screen of ${inner}`);
}

/** What stands in the place of a word that was never filled in. */
export async function isTranslated(page, language) {
  const lang = await page.getAttribute("html", "lang");
  equal(lang, LANGUAGES[language], `lang of ${pathOf(page)}`);
  const text = await page.evaluate(() => {
    const named = [...document.querySelectorAll("[aria-label], [alt], [placeholder], [title], [value]")];
    const read = (element) =>
      ["aria-label", "alt", "placeholder", "title"].map((name) => element.getAttribute(name)).join(" ");
    return `${document.title}\n${document.body.innerText}\n${named.map(read).join("\n")}`;
  });
  const left = text.match(/\{[a-z_]*\}|\S*\w\|\w\S*/g);
  assert(!left, `${pathOf(page)} shows ${left}`);
  assert((await page.locator("h1").count()) === 1, `${pathOf(page)} has ${await page.locator("h1").count()} h1`);
}

/** An error summary with the focus that leads to fields, each with its message. */
export async function summaryIsRight(page, wrong) {
  const focused = await until("the focus on the summary", () =>
    page.evaluate(() => document.activeElement?.getAttribute("role") === "alert"),
  );
  assert(focused, "the summary has the focus");
  const links = await page.locator("[role=alert] a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  const fields = await page.evaluate((names) => {
    return names.map((name) => {
      const field = document.querySelector(`main [name="${name}"]`);
      const ids = (field?.getAttribute("aria-describedby") ?? "").split(" ");
      const text = ids.map((id) => document.getElementById(id)?.innerText ?? "").join(" ").trim();
      const beside = field?.closest("p, label, fieldset, div")?.querySelector(".err")?.textContent ?? "";
      return { name, id: field?.id, invalid: field?.getAttribute("aria-invalid"), text, beside };
    });
  }, wrong);
  for (const field of fields) {
    assert(field.id, `there is a field ${field.name}`);
    equal(field.invalid, "true", `aria-invalid of ${field.name}`);
    assert(field.beside !== "" && field.text.includes(field.beside), `the error of ${field.name} stands beside it`);
    assert(links.includes(`#${field.id}`), `the summary leads to ${field.name}: ${links}`);
  }
  equal(links.length, wrong.length, `links of the summary (${links})`);
}

/** Runs a part by itself when its file is started by itself. */
export async function alone(meta, part) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  process.exitCode = 1;
  try {
    await part();
  } finally {
    await closeChrome();
  }
  closing();
}

export function closing() {
  console.log(`${counted.passed} passed, ${counted.failed} failed`);
  process.exitCode = counted.failed > 0 || counted.passed === 0 ? 1 : 0;
}
