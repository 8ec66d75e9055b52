// What a client does without a browser: quicker where the page itself is not what is looked at.
import { createHmac } from "node:crypto";
import {
  Client, PASSWORD, SHOP, advance, assert, codeFor, decoded, equal, formTo, idle, newEmail, send,
} from "./lib.mjs";

/** Fields of a form as they stand, with others. */
export const filled = (form, more) => new Map([...form.fields, ...Object.entries(more)]);

/** Puts a product into the cart. */
export async function addTo(client, handle, more = {}) {
  const { text } = await client.get(`/en/p/${handle}`);
  const variant = text.match(/name="variant" value="([^"]+)"/)?.[1];
  assert(variant, `${handle} cannot be bought`);
  const answer = await client.post("/en/cart", filled(formTo(text, "/en/cart"), { variant, ...more }));
  equal(answer.status, 303, "the answer after adding");
}

/** Fills in the form of a page, and sends it. */
export async function sendForm(client, path, more) {
  const answer = await client.post(path, filled(formTo((await client.get(path)).text, path), more));
  return { ...answer, to: answer.headers.location };
}

/** From the cart to an order that waits for its code, or, when it `stops`, to the step of payment. */
export async function orderOf(client, email, { stops = false, ...more } = {}) {
  const typed = { "contact.email": email, "address.name": "Aziza Karimova", "address.region": "Toshkent",
    "address.district": "Yunusobod", "address.line1": "Navoiy 12", "address.phone": "+998712000000" };
  const address = await sendForm(client, "/en/checkout", { ...typed, ...more });
  equal([address.status, address.to], [303, "/en/checkout/delivery"], "after the address");
  const delivery = await sendForm(client, "/en/checkout/delivery", {});
  equal([delivery.status, delivery.to], [303, "/en/checkout/payment"], "after delivery");
  if (stops) return {};
  const page = await client.get("/en/checkout/payment");
  const fields = filled(formTo(page.text, "/en/checkout/payment"), { provider: "cash_on_delivery" });
  const placed = await client.post("/en/checkout/payment", fields);
  equal(placed.status, 303, "after payment");
  return { path: new URL(placed.headers.location, SHOP).pathname, fields };
}

/** Signs a client in. */
export async function signIn(client, contact, { next = "", password = PASSWORD } = {}) {
  const path = `/en/sign-in${next ? `?next=${encodeURIComponent(next)}` : ""}`;
  const form = formTo((await client.get(path)).text, "/en/sign-in");
  return client.post("/en/sign-in", filled(form, { contact, password }));
}

/** Sends a form that stands on a page of another address. */
export async function sendFrom(client, page, action, more) {
  return client.post(action, filled(formTo((await client.get(page)).text, action), more));
}

/** Sends a form with a file in it. */
export async function sendFile(client, path, file, more = {}) {
  const form = formTo((await client.get(path)).text, path);
  const edge = "an-edge-that-no-file-has";
  const head = (name, rest = "") => `--${edge}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  const texts = [...filled(form, more)].map(([name, value]) => `${head(name)}${value}\r\n`).join("");
  const named = `; filename="${file.name.replace(/"/g, "%22")}"\r\ncontent-type: ${file.type}`;
  const end = Buffer.from(`\r\n--${edge}--\r\n`);
  const body = Buffer.concat([Buffer.from(texts + head("file", named)), Buffer.from(file.bytes), end]);
  const type = `multipart/form-data; boundary=${edge}`;
  const headers = { "content-type": type, "sec-fetch-site": "same-origin", origin: SHOP };
  const answer = await client.send("POST", path, { headers, body });
  return { ...answer, to: answer.headers.location };
}

/** Somebody who has just signed up. */
export async function newcomer(email) {
  const client = new Client();
  const asked = await sendForm(client, "/en/sign-up", { contact: email, password: PASSWORD, name: "New Person" });
  equal(asked.to, "/en/confirm", "after signing up");
  equal((await sendForm(client, "/en/confirm", { code: await codeFor(email) })).status, 303, "the code");
  equal((await signIn(client, email)).status, 303, "signing in");
  return client;
}

/** A product of the demo's seller. */
export const OWN = "milk-jug-with-a-goat";

/** A guest's order at the demo's seller, confirmed, with its page at the desk. */
export async function soldTo(guest, seller, more = {}) {
  const email = newEmail("sold");
  await addTo(guest, OWN);
  const { path } = await orderOf(guest, email, more);
  const confirmed = await sendFrom(guest, path, `${path}/confirm`, { code: await codeFor(email), do: "confirm" });
  equal(confirmed.status, 303, "the code");
  await idle();
  return { path, sold: await atTheDesk(guest, path, seller) };
}

/** The number that the page of an order has in its heading. */
export const numberOn = (html) => html.match(/<h1>[^<]*?([0-9A-Z]{5}-[0-9A-Z]{5})/)[1];

/** The page at the desk of an order that its buyer sees. */
export async function atTheDesk(buyer, path, seller) {
  const number = numberOn((await buyer.get(path)).text);
  const { text } = await seller.get("/desk/orders?tab=new");
  const links = [...text.matchAll(/<a\b[^>]*href="(\/desk\/orders\/[\w.-]+)"[^>]*>(.*?)<\/a>/gs)];
  const link = links.find(([, , words]) => words.includes(number));
  assert(link, `the desk shows no order ${number}`);
  return link[1];
}

/** Accepts and ships, and says that it has arrived. */
export async function deliver(seller, sold, parcel = {}) {
  await sendFrom(seller, sold, `${sold}/accept`, {});
  await sendFrom(seller, sold, `${sold}/ship`, parcel);
  const parcels = (await seller.get(sold)).text.match(/action="([^"]*\/parcels\/\d+)"/)?.[1];
  assert(parcels, "the parcel is not shown");
  equal((await sendFrom(seller, sold, parcels, { do: "delivered" })).status, 303, "the parcel's arrival");
  await idle();
}

/** The server's own time. */
export const serverTime = async () => Date.parse(JSON.parse((await send("GET", "/_local/clock")).text).now);

/** The code that an authenticator app shows (RFC 6238), of a step in which none was used yet. */
export async function appCode(secret) {
  await advance("30s");
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0"));
  const key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor((await serverTime()) / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const word = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

/** Somebody with an authenticator app: what it keeps, and a client that is signed in by it. */
export async function withApp() {
  const email = newEmail("app");
  const client = await newcomer(email);
  const security = "/en/account/security";
  const begun = await sendFrom(client, security, `${security}/app`, {});
  const secret = decoded(begun.text).match(/otpauth:[^"]*?[?&]secret=([A-Z2-7]+)/)?.[1];
  assert(secret, "the page of a new app has no key");
  const form = formTo(begun.text, `${security}/app/confirm`);
  const confirmed = await client.post(form.action, filled(form, { code: await appCode(secret) }));
  equal(confirmed.status, 200, "the answer to the app's code");
  equal((await signIn(client, email)).headers.location, "/en/challenge", "after the password");
  const answered = await sendForm(client, "/en/challenge", { code: await appCode(secret) });
  equal(answered.status, 303, "the answer to the challenge");
  return { email, secret, client };
}
