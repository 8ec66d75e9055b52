// What a client does without a browser: quicker where the page itself is not what is looked at.
import { PASSWORD, SHOP, assert, equal, formTo } from "./lib.mjs";

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
