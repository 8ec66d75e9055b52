// The worker: keeps what was seen for when there is no network, and what is put into the cart until there is one.
// Nothing needs it. infra/deploying.md says how it is taken away from everybody.
//
// A cache belongs to one version, whose number changes with what it holds; the queue outlives them all.
const VERSION = 1;
const rooms = ["public", "private", "files", "pictures"].map((name) => `${name}-${VERSION}`);
const [PUBLIC, PRIVATE, FILES, PICTURES] = rooms;
const QUEUE = "queue";
// A sign-out that has found no network.
const LEFT = "left";
const MOST_PAGES = 30;
const MOST_PICTURES = 60;
const TIMEOUT_MS = 5000;
// How long one person's pages are kept: a session that was ended elsewhere is not heard of without a network.
const MOST_DAYS = 7;
const FILE = /^\/(app\.js|icon\.svg|[\w-]+\/manifest\.webmanifest)$/;
// Those that the edge has on the shop's own domain.
const PICTURE = /^\/med_\w+$/;
const CART = /^\/[\w-]+\/cart$/;
// Forms after which somebody else may look at the pages.
const SIGNS = /^\/[\w-]+\/(sign-|challenge|confirm|reset|account\/s)/;
const SIGNS_OUT = /\/sign-out$/;
// Pages of somebody who is signed in: whoever is led away from them is not.
const OWN = /^\/[\w-]+\/(account|orders)\b/;
// States of what was put into the cart: places of their words in a page's `data-offline`.
const [WAITS, ADDED, SHORT, REFUSED] = [5, 6, 7, 8];

// Counts how often one person's pages were given up: one that arrives later is not kept any more.
let given = 0;
const forget = () => {
  given += 1;
  return caches.delete(PRIVATE);
};

const late = () => new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));

/** Where a page is kept: what is public by what the server says, one person's only where it says that it may be. */
function roomOf({ status, type, headers }) {
  const kind = headers.get("content-type") ?? "";
  if (status !== 200 || type !== "basic" || !kind.startsWith("text/html")) return undefined;
  const cache = headers.get("cache-control") ?? "";
  if (/\bpublic\b/.test(cache)) return PUBLIC;
  return /\bprivate\b/.test(cache) && headers.has("bozor-keep") ? PRIVATE : undefined;
}

/** One person's pages have one copy each, whatever they say besides; others differ by what is asked of them. */
const keyOf = ({ pathname, search }, room) => (room === PRIVATE ? pathname : pathname + search);

/** Gives up what was kept first. */
async function trim(cache, most) {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, -most).map((old) => cache.delete(old)));
}

async function keep(answer, room, before) {
  const url = new URL(answer.url);
  const headers = new Headers(answer.headers);
  headers.set("bozor-seen", Date.now());
  headers.delete("refresh");
  const body = await answer.blob();
  const [cache, files] = await Promise.all([caches.open(room), caches.open(FILES)]);
  const key = keyOf(url, room);
  await cache.delete(key);
  if (room === PRIVATE && before !== given) return;
  await cache.put(key, new Response(body, { headers }));
  await trim(cache, MOST_PAGES);
  const offline = `/${url.pathname.split("/")[1]}/offline`;
  if (!(await files.match(offline))) await files.add(offline).catch(() => {});
}

async function drop(url) {
  for (const room of [PUBLIC, PRIVATE]) await (await caches.open(room)).delete(keyOf(url, room));
}

/** The page as it was seen, which says so. */
async function seen(url, rooms) {
  for (const room of rooms) {
    const cache = await caches.open(room);
    const kept = await cache.match(keyOf(url, room));
    if (!kept) continue;
    const minutes = (Date.now() - kept.headers.get("bozor-seen")) / 60000;
    if (room === PRIVATE && minutes > MOST_DAYS * 1440) {
      await cache.delete(keyOf(url, room));
      continue;
    }
    const html = await kept.text();
    const [says, now, ...ages] = (html.match(/ data-offline="([^"]*)"/)?.[1] ?? "").split("|");
    const [place, n] = minutes < 60 ? [0, minutes] : minutes < 1440 ? [1, minutes / 60] : [2, minutes / 1440];
    const age = minutes < 1 ? now : ages[place]?.replace("{n}", Math.floor(n));
    const note = `<p class="alert info" role="status">${says.replace("{age}", age)}</p>`;
    return new Response(html.replace(/<main[^>]*>/, (main) => main + note), { headers: kept.headers });
  }
  return undefined;
}

async function offline({ pathname }) {
  const files = await caches.open(FILES);
  const own = await files.match(`/${pathname.split("/")[1]}/offline`);
  const [any] = own ? [] : (await files.keys()).filter(({ url }) => url.endsWith("/offline"));
  return own ?? (any && (await files.match(any))) ?? Response.error();
}

async function page(event, hasLeft) {
  const url = new URL(event.request.url);
  const before = given;
  // What came early was asked for in the name of who has left.
  const early = hasLeft ? undefined : event.preloadResponse;
  const network = Promise.resolve(early).then((came) => came ?? fetch(event.request));
  const told = network.then(async (answer) => {
    const room = roomOf(answer);
    if (room) await keep(answer.clone(), room, before);
    else if (OWN.test(url.pathname) && answer.type === "opaqueredirect") await forget();
    // What the server does not show any more is not shown without it either.
    else if (answer.status < 500) await drop(url);
  });
  event.waitUntil(told.catch(() => {}));
  try {
    return (await Promise.race([network, late().then(() => seen(url, [PUBLIC]))])) ?? (await network);
  } catch {
    return (await seen(url, [PUBLIC, PRIVATE])) ?? offline(url);
  }
}

async function file(event, room, most) {
  const { request } = event;
  const cache = await caches.open(room);
  try {
    const answer = await fetch(request);
    if (answer.status === 200) event.waitUntil(cache.put(request, answer.clone()).then(() => trim(cache, most)));
    return answer;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
}

let leaving;
/** Sends a sign-out that has found no network, and answers whether there was one. Until it is sent, nothing else is. */
const leave = () => (leaving ??= left().finally(() => (leaving = undefined)));

async function left() {
  const cache = await caches.open(LEFT);
  const [out] = await cache.keys();
  if (!out) return false;
  const answer = await send(out.url, await (await cache.match(out)).text(), "manual");
  // Too much or too busy: later.
  if (answer.status === 429 || answer.status >= 500) throw answer;
  await cache.delete(out);
  return true;
}

const answered = (event, answer, otherwise) =>
  event.respondWith(
    leave().then(
      (hasLeft) => answer(event, hasLeft),
      () => otherwise(event),
    ),
  );

const unsent = async ({ request }) => offline(new URL(request.url));

const unseen = async ({ request }) => {
  const url = new URL(request.url);
  return (await seen(url, [PUBLIC])) ?? offline(url);
};

async function sign(event) {
  const { request } = event;
  const url = new URL(request.url);
  const isOut = SIGNS_OUT.test(url.pathname);
  // Who presses the button is gone from this device at once; the server hears of it before anything else.
  if (isOut) await Promise.all([forget(), caches.delete(QUEUE)]);
  else await Promise.race([deliver(), late()]);
  const body = isOut && (await request.clone().text());
  try {
    const answer = await fetch(request);
    if (answer.type === "opaqueredirect") await forget();
    return answer;
  } catch {
    if (isOut) await (await caches.open(LEFT)).put(url, new Response(body));
    return offline(url);
  }
}

/**
 * Whether one of our own pages has sent a form. What the worker sends looks to the server as if we had, so a form of
 * another site, which can hide where it comes from but not name us, must not pass through here.
 */
const isOwn = ({ referrer }) => referrer.startsWith(`${location.origin}/`);

const send = (url, body, redirect) =>
  fetch(url, {
    method: "POST",
    body: new URLSearchParams(body),
    redirect,
    signal: AbortSignal.timeout(2 * TIMEOUT_MS),
  });

async function add(event, _, isCut) {
  const { request } = event;
  const fields = new URLSearchParams(await request.clone().text());
  if (fields.get("do") !== "add") return isCut ? unsent(event) : fetch(request);
  const title = fields.get("title") ?? "";
  fields.delete("title");
  // The page's script gives it; the server adds once for each.
  const key = fields.get("key") ?? crypto.randomUUID().replaceAll("-", "");
  fields.set("key", key);
  const body = fields.toString();
  try {
    if (isCut) throw isCut;
    return await send(request.url, body, "manual");
  } catch {
    const item = { url: request.url, body, title, state: WAITS };
    await (await caches.open(QUEUE)).put(`/queue/${key}`, new Response(JSON.stringify(item)));
    event.waitUntil(Promise.resolve(self.registration.sync?.register("cart")).catch(() => {}));
    return Response.redirect(request.referrer, 303);
  }
}

/** What waits, in the order in which it was put. */
async function waiting(queue) {
  const items = [];
  for (const key of await queue.keys()) items.push([key, await (await queue.match(key))?.json()]);
  return items.filter(([, item]) => item);
}

let delivery;
const deliver = () => (delivery ??= delivered()
    .catch(() => {})
    .finally(() => (delivery = undefined)));

async function delivered() {
  await leave();
  const before = given;
  const queue = await caches.open(QUEUE);
  for (const [key, item] of await waiting(queue)) {
    if (item.state !== WAITS) continue;
    const answer = await send(item.url, item.body, "follow").catch(() => undefined);
    // Too much or too busy: later.
    if (!answer || answer.status === 429 || answer.status >= 500 || before !== given) return;
    item.state = !answer.ok ? REFUSED : answer.url.endsWith("?short") ? SHORT : ADDED;
    await queue.put(key, new Response(JSON.stringify(item)));
    if (roomOf(answer) === PRIVATE) await keep(answer, PRIVATE, before);
  }
}

/** Tells pages what has become of what was put into the cart; what is done is told once. */
async function tell(pages) {
  const queue = await caches.open(QUEUE);
  const items = await waiting(queue);
  for (const page of pages) page.postMessage(items.map(([, { state, title }]) => [state, title]));
  if (pages.length === 0) return;
  for (const [key, { state }] of items) if (state !== WAITS) await queue.delete(key);
}

/** A page that was there before the worker. */
async function remember(href) {
  const before = given;
  const answer = await fetch(href);
  const room = roomOf(answer);
  if (room) await keep(answer, room, before);
}

addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(FILES).then((files) => files.addAll(["/app.js", "/icon.svg"])));
});

addEventListener("activate", (event) => {
  const work = async () => {
    for (const name of await caches.keys()) if (![...rooms, QUEUE, LEFT].includes(name)) await caches.delete(name);
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  event.waitUntil(work());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method === "GET") {
    if (request.mode === "navigate") answered(event, page, unseen);
    else if (FILE.test(pathname)) event.respondWith(file(event, FILES, MOST_PAGES));
    else if (PICTURE.test(pathname)) event.respondWith(file(event, PICTURES, MOST_PICTURES));
  } else if (request.method === "POST" && request.mode === "navigate" && isOwn(request)) {
    if (SIGNS.test(pathname)) answered(event, sign, unsent);
    else if (CART.test(pathname)) answered(event, add, (cut) => add(cut, false, true));
  }
});

addEventListener("message", (event) => {
  const work = async () => {
    if (event.data) await remember(event.data).catch(() => {});
    await deliver();
    await tell([event.source]);
  };
  event.waitUntil(work());
});

addEventListener("sync", (event) => {
  event.waitUntil(deliver().then(() => self.clients.matchAll()).then(tell));
});
