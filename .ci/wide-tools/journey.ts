// A buyer's journey, played with a client that was generated from infra/openapi.json: from the categories to an order
// that is paid. What the document says and the server does not do ends this program with a message; what it does not
// say does not compile.

import { setTimeout as sleep } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/schema.js";

type Schemas = components["schemas"];

/** A closed list; nothing at all where the document leaves it open. */
type Closed<T extends string> = string extends T ? never : T;

const TIMEOUT_MS = 10_000;
const PAID_ATTEMPTS = 40;
const PAID_PAUSE_MS = 250;

const ADDRESS: Schemas["Address"] = {
  name: "Aziza Karimova",
  phone: "+998712000000",
  line1: "12 Navoi Street",
  city: "Tashkent",
  district: "Yunusobod",
  region: "Tashkent",
  country: "UZ",
};
const EMAIL: Schemas["Email"] = "guest@example.com";
const STRIPE: Closed<Schemas["ProviderName"]> = "stripe";
const PAID: Closed<Schemas["OrderState"]> = "paid";
const NOT_FOUND: Closed<Schemas["Problem"]["code"]> = "not_found";
const UNKNOWN_CART: Schemas["CartId"] = "crt_01jd2v9k3mfe8tq5r7w0x4y6za";

class Differs extends Error {}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) {
    throw new Differs(what);
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer that has to have this status. */
function body<T>(what: string, status: number, { data, error, response }: Answer<T>): T {
  check(
    response.status === status && data !== undefined,
    `${what}: ${status} was expected, not ${response.status} ${JSON.stringify(error ?? null)}`,
  );
  return data;
}

function first<T>(items: readonly T[], what: string): T {
  const [item] = items;
  check(item !== undefined, `there is no ${what}`);
  return item;
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}

function base(): string {
  const url = process.env["BOZOR_URL"];
  check(url !== undefined && url !== "", "BOZOR_URL has to say where the server is, such as http://localhost:3000");
  return url.replace(/\/+$/, "");
}

async function journey(): Promise<void> {
  const baseUrl = base();
  const api = createClient<paths>({
    baseUrl,
    fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
  });

  const categories = body("categories", 200, await api.GET("/v1/categories"));
  say(`categories: ${first(categories.items, "category").handle} and others`);

  const variants: Schemas["VariantId"][] = [];
  for (const vendor of ["chorsu-ceramics", "margilan-silk"]) {
    const page = body(
      `products of ${vendor}`,
      200,
      await api.GET("/v1/products", { params: { query: { vendor, currency: "USD", limit: 3 } } }),
    );
    const card = first(
      page.items.filter((item) => item.available),
      `product of ${vendor} that can be bought`,
    );
    check(card.vendor.handle === vendor, `the list of ${vendor} has a product of ${card.vendor.handle}`);
    const product = body(
      `product ${card.handle}`,
      200,
      await api.GET("/v1/products/{handle}", { params: { path: { handle: card.handle }, query: { currency: "USD" } } }),
    );
    check(product.id === card.id, `the page of ${card.handle} is that of ${product.id}`);
    const variant = first(
      product.variants.filter((one) => one.available >= 2),
      `variant of ${card.handle} of which there are two`,
    );
    say(`${vendor}: ${product.title}, ${variant.price.amount} ${variant.price.currency}`);
    variants.push(variant.id);
  }

  const made = await api.POST("/v1/carts", { body: { currency: "USD" } });
  const { id } = body("a new cart", 201, made);
  const path = { id };
  for (const [index, variant_id] of variants.entries()) {
    const quantity = index === 0 ? 2 : 1;
    const filled = body(
      `${variant_id} into the cart`,
      200,
      await api.PUT("/v1/carts/{id}/items/{variant_id}", { params: { path: { id, variant_id } }, body: { quantity } }),
    );
    const line = filled.groups.flatMap((group) => group.lines).find((one) => one.variant_id === variant_id);
    check(line?.quantity === quantity, `the cart has ${line?.quantity ?? 0} of ${variant_id} and not ${quantity}`);
  }

  const shipping = body(
    "shipping options",
    200,
    await api.POST("/v1/carts/{id}/shipping-options", { params: { path }, body: { address: ADDRESS } }),
  );
  check(shipping.items.length === 2, `two vendors deliver, not ${shipping.items.length}`);
  for (const vendor of shipping.items) {
    check(
      vendor.options.some((option) => option.id === vendor.chosen),
      `${vendor.chosen} is none of the options of ${vendor.vendor_id}`,
    );
  }

  const cart = body("the cart", 200, await api.GET("/v1/carts/{id}", { params: { path } }));
  const { total } = cart.totals;
  check(cart.groups.length === 2, `the cart has two vendors' lines, not ${cart.groups.length}`);
  check(cart.address?.country === ADDRESS.country, "the cart has kept the address");
  check(total.amount === shipping.totals.total.amount, `the cart costs ${total.amount}, not what delivery said`);
  say(`cart ${id}: ${total.amount} ${total.currency}`);

  const methods = body("payment methods", 200, await api.GET("/v1/carts/{id}/payment-methods", { params: { path } }));
  check(
    methods.items.some((method) => method.provider === STRIPE),
    `${STRIPE} is none of ${methods.items.map((method) => method.provider).join(", ")}`,
  );

  const key = `wide-${crypto.randomUUID()}`;
  const checkOut = () =>
    api.POST("/v1/checkout", {
      params: { header: { "Idempotency-Key": key } },
      body: { cart_id: id, contact: { email: EMAIL }, payment: { provider: STRIPE }, expected_total: total },
    });
  const placed = await checkOut();
  const order = body("checkout", 201, placed);
  check(placed.response.headers.get("Idempotent-Replayed") === null, "the first checkout is no repeat");
  check(order.totals.total.amount === total.amount, `the order costs ${order.totals.total.amount}, the cart ${total.amount}`);
  const { token } = order;
  check(typeof token === "string" && token !== "", "the answer to checkout has the order's token");
  say(`order ${order.number}: ${order.state}`);

  // The sandbox pays as the buyer would. It is there only locally and no part of the document.
  const sandbox = await fetch(`${baseUrl}/_local/pay/stripe/orders/${order.id}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ do: "succeed" }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  check(sandbox.ok, `the sandbox pays: ${sandbox.status} ${sandbox.ok ? "" : await sandbox.text()}`);

  let state = order.state;
  for (let attempts = 0; state !== PAID; attempts += 1) {
    check(attempts < PAID_ATTEMPTS, `the order is ${state} and not ${PAID} after ${(PAID_ATTEMPTS * PAID_PAUSE_MS) / 1000} s`);
    if (attempts > 0) {
      await sleep(PAID_PAUSE_MS);
    }
    const params = { path: { id: order.id }, header: { "Order-Token": token } };
    state = body("the order", 200, await api.GET("/v1/orders/{id}", { params })).state;
  }
  say(`order ${order.number}: ${state}`);

  const repeated = await checkOut();
  const again = body("checkout with the same key", 201, repeated);
  const replayed = repeated.response.headers.get("Idempotent-Replayed");
  check(replayed === "true", `a repeat says Idempotent-Replayed: true, not ${replayed ?? "nothing"}`);
  check(again.id === order.id, `a repeat answers with ${order.id}, not ${again.id}`);

  const { data, error, response } = await api.GET("/v1/carts/{id}", { params: { path: { id: UNKNOWN_CART } } });
  check(data === undefined && response.status === 404, `an unknown cart is 404, not ${response.status}`);
  const media = response.headers.get("Content-Type") ?? "nothing";
  check(media.startsWith("application/problem+json"), `a problem is application/problem+json, not ${media}`);
  // A function refuses with a problem; what the gateway refuses by itself has no code.
  check(error !== undefined && "code" in error, "an unknown cart is refused by its function");
  check(error.code === NOT_FOUND, `the code of an unknown cart is ${NOT_FOUND}, not ${error.code}`);
  check(error.status === 404, `the problem's status is 404, not ${error.status}`);
  say(`an unknown cart: ${error.code}`);
}

try {
  await journey();
} catch (failure) {
  const why = failure instanceof Differs ? failure.message : failure instanceof Error ? failure.stack : String(failure);
  process.stderr.write(`journey: ${why}\n`);
  process.exitCode = 1;
}
