// Without a network: what was seen stays readable, what is put into the cart waits, and nobody's own pages stay behind.
// A proxy of our own stands for the network, which can be cut, slow, or lose answers.
import http from "node:http";
import {
  PASSWORD, SHOP, alone, assert, equal, leftOut, newEmail, newPhone, offered, pathOf, person, road, send, until,
} from "./lib.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";

/** The way to the shop. `cut` answers nothing, `slow` never answers, `deaf` sends requests on and loses the answers. */
async function network() {
  const shop = new URL(SHOP);
  const way = { is: "open", asked: [], waiting: new Set() };
  const server = http.createServer((request, response) => {
    way.asked.push(`${request.method} ${request.url}`);
    if (way.is === "cut") return request.socket.destroy();
    if (way.is === "slow") return way.waiting.add(response);
    const { method, url } = request;
    const headers = { ...request.headers, "accept-encoding": "identity" };
    const onward = http.request({ host: shop.hostname, port: shop.port, method, path: url, headers }, (answer) => {
      if (way.is === "deaf") {
        answer.resume();
        answer.on("end", () => request.socket.destroy());
        return;
      }
      const { "content-length": _, ...kept } = answer.headers;
      response.writeHead(answer.statusCode, kept);
      if (!(kept["content-type"] ?? "").startsWith("text/html")) return answer.pipe(response);
      // Pictures have the shop's whole address, which is another origin than ours.
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => response.end(Buffer.concat(chunks).toString("utf8").replaceAll(SHOP, way.at)));
    });
    onward.on("error", () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  way.at = `http://localhost:${server.address().port}`;
  way.set = (is) => {
    way.is = is;
    for (const response of way.waiting) response.socket?.destroy();
    way.waiting.clear();
    if (is !== "open") server.closeIdleConnections();
  };
  way.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return way;
}

/** What the caches hold, by their names. */
const kept = (page) =>
  page.evaluate(async () => {
    const all = {};
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      all[name.replace(/-\d+$/, "")] = (await cache.keys()).map(
        ({ url }) => new URL(url).pathname + new URL(url).search,
      );
    }
    return { public: [], private: [], files: [], queue: [], ...all };
  });

const hasKept = (page, room, path) =>
  until(`${path} in the cache`, async () => (await kept(page))[room].includes(path));

export async function offlineRoad(language) {
  await road(`without a network, ${language}`, async (t) => {
    const way = await network();
    const who = await person({ width: 390, height: 844, locale: language });
    const { page } = who;
    t.page = page;
    const at = (path) => `${way.at}/${language}${path}`;
    const path = (path) => `/${language}${path}`;
    const said = () => page.locator("main > [role=status]").first().innerText();
    const add = () => page.click("main form[action$='/cart'] button.btn");
    const units = async () => {
      await page.goto(at("/cart"));
      const fields = await page.locator(".lines [name=quantity]").all();
      return Promise.all(fields.map((field) => field.inputValue()));
    };
    try {
      await t.step("the first page brings the worker, which remembers it", async () => {
        await page.goto(at(`/p/${SOUGHT.handle}`));
        await hasKept(page, "public", path(`/p/${SOUGHT.handle}`));
        await hasKept(page, "files", path("/offline"));
        await until("the worker in charge", () => page.evaluate(() => navigator.serviceWorker.controller !== null));
      });
      await t.step("a page that was seen is shown with its age", async () => {
        await page.goto(at("/products"));
        await hasKept(page, "public", path("/products"));
        way.set("cut");
        await page.goto(at(`/p/${SOUGHT.handle}`));
        assert((await page.locator("h1").count()) === 1, "the page has its heading");
        t.words = (await page.getAttribute("main", "data-offline")).split("|");
        equal(await said(), t.words[0].replace("{age}", t.words[1]), "what is said");
        await page.evaluate(async () => {
          // Ten minutes go by for what is kept.
          const name = (await caches.keys()).find((name) => name.startsWith("public"));
          const cache = await caches.open(name);
          for (const key of await cache.keys()) {
            const page = await cache.match(key);
            const headers = new Headers(page.headers);
            headers.set("bozor-seen", Date.now() - 10.5 * 60_000);
            await cache.put(key, new Response(await page.blob(), { headers }));
          }
        });
        await page.goto(at("/products"));
        equal(
          await said(),
          t.words[0].replace("{age}", t.words[2].replace("{n}", "10")),
          "what is said ten minutes later",
        );
      });
      await t.check("a page that was not seen is the page for it", async () => {
        await page.goto(at(`/p/${CHOSEN.handle}`));
        const { text } = await send("GET", path("/offline"));
        equal(await page.locator("h1").innerText(), text.match(/<h1>([^<]*)</)[1], "the heading");
        equal(await page.getAttribute("html", "lang"), language, "the language");
      });
      await t.step("what is put into the cart waits, and says so", async () => {
        await page.goto(at(`/p/${SOUGHT.handle}`));
        const title = await page.locator("h1").innerText();
        t.title = title;
        await add();
        await page.waitForURL(at(`/p/${SOUGHT.handle}`));
        await until("that it waits", async () => (await page.locator("main > .queued").count()) === 1);
        equal(await page.locator("main > .queued").innerText(), t.words[5].replace("{title}", title), "what is said");
        equal((await kept(page)).queue.length, 1, "what waits");
      });
      await t.step("it is delivered when the network is back, once", async () => {
        way.asked.length = 0;
        way.set("open");
        await page.evaluate(() => dispatchEvent(new Event("online")));
        const told = () => page.locator("main > .queued").innerText();
        await until("that it is in the cart", async () => (await told()) === t.words[6].replace("{title}", t.title));
        equal(way.asked.filter((line) => line.startsWith("POST")).length, 1, "forms that were sent");
        equal((await kept(page)).queue.length, 0, "what waits");
        equal(await units(), ["1"], "units in the cart");
      });
      await t.step("what has arrived though its answer was lost is added once", async () => {
        await page.goto(at(`/p/${SOUGHT.handle}`));
        way.set("deaf");
        await add();
        // The page is left and comes again meanwhile.
        await until("that it waits", async () => (await kept(page).catch(() => ({ queue: [] }))).queue.length === 1);
        way.set("open");
        await page.goto(at(`/p/${SOUGHT.handle}`));
        await until("nothing that waits", async () => (await kept(page)).queue.length === 0);
        equal(await units(), ["2"], "units in the cart");
      });
      await t.step("what is refused meanwhile is said", async () => {
        await page.goto(at(`/p/${SOUGHT.handle}`));
        way.set("cut");
        await page.evaluate(() => (document.querySelector("main [name=variant]").value = "var_nothing"));
        await add();
        await until("that it waits", async () => (await page.locator("main > .queued").count()) === 1);
        way.set("open");
        await page.evaluate(() => dispatchEvent(new Event("online")));
        const told = () => page.locator("main > .queued").innerText();
        await until("that it is refused", async () => (await told()) === t.words[8].replace("{title}", t.title));
        equal(await units(), ["2"], "units in the cart");
      });
      await t.check("on a weak network a page that was seen comes after some seconds", async () => {
        await page.goto(at("/products"));
        way.set("slow");
        const begun = Date.now();
        await page.goto(at(`/p/${SOUGHT.handle}`), { waitUntil: "commit" });
        const took = Date.now() - begun;
        assert(took > 4_000 && took < 9_000, `it took ${took} ms`);
        way.set("open");
        await page.goto(at("/products"));
      });
      await t.step("the cart and the order that were seen stay readable, apart from what is public", async () => {
        await units();
        await hasKept(page, "private", path("/cart"));
        await page.goto(at("/checkout"));
        await page.fill("[name='contact.email']", newEmail("offline"));
        await page.fill("[name='address.name']", "Aziza Private");
        await page.fill("[name='address.phone']", newPhone());
        await page.fill("[name='address.region']", "Toshkent");
        await page.fill("[name='address.district']", "Yunusobod");
        await page.fill("[name='address.line1']", "Secret street 7");
        const next = async () => {
          const left = page.url();
          await page.click("main form[method=post] button.btn:not(.quiet):not(.danger)");
          await page.waitForURL((url) => url.href !== left);
        };
        await next();
        await next();
        await page.check("[name=provider][value=cash_on_delivery]");
        await next();
        t.order = new URL(page.url()).pathname;
        assert(/\/orders\/ord_\w+$/.test(t.order), `an order, not ${t.order}`);
        await hasKept(page, "private", t.order);
        way.set("cut");
        await page.goto(way.at + t.order);
        assert((await page.locator("main").innerText()).includes("Secret street 7"), "the order");
        await page.goto(at("/checkout"));
        assert(!(await page.content()).includes("Secret street 7"), "the checkout is kept");
        way.set("open");
      });
      await t.check("no page of one person is among the public ones, and none that may not be kept", async () => {
        await page.goto(at("/sign-in"));
        await page.goto(at("/checkout"));
        await page.goto(`${way.at}/desk`);
        const all = await kept(page);
        const own = /\/(cart|orders|checkout|account|sign-|reset|confirm|challenge|paid|r\/|desk|operate)/;
        equal(all.public.filter((path) => own.test(path)), [], "public pages");
        equal(all.private.filter((one) => one !== path("/cart") && one !== t.order), [], "private pages");
        const texts = await page.evaluate(async () => {
          const name = (await caches.keys()).find((name) => name.startsWith("public"));
          const cache = await caches.open(name);
          return Promise.all((await cache.keys()).map(async (key) => (await cache.match(key)).text()));
        });
        assert(
          !texts.some((text) => text.includes("Secret street") || text.includes("Aziza Private")),
          "private words",
        );
        assert(all.public.length <= 30, `${all.public.length} pages`);
      });
      await t.check("the last thirty pages are kept, not more", async () => {
        await page.evaluate(async () => {
          const name = (await caches.keys()).find((name) => name.startsWith("public"));
          const cache = await caches.open(name);
          for (let n = 0; n < 40; n += 1) await cache.put(`/old/${n}`, new Response(""));
        });
        await page.goto(at("/products"));
        await until("thirty pages", async () => (await kept(page)).public.length === 30);
        await hasKept(page, "public", path("/products"));
      });
      const has = await offered();
      if (!has.account) leftOut("signing out empties what is kept: /en/sign-in is not there");
      else {
        const signIn = async () => {
          await page.goto(at("/sign-in"));
          await page.fill("[name=contact]", "buyer@bozor.test");
          await page.fill("[name=password]", PASSWORD);
          await page.click("main form[action$='/sign-in'] button.btn");
          await page.waitForURL(at("/account"));
        };
        await t.step("signing in as somebody gives up what was kept of whoever was there", async () => {
          assert((await kept(page)).private.length > 0, "there is something to give up");
          await signIn();
          equal((await kept(page)).private, [], "private pages");
        });
        await t.step("signing out empties it, and no button of the browser brings it back", async () => {
          await page.goto(at("/cart"));
          await hasKept(page, "private", path("/cart"));
          await page.goto(at("/sign-out"));
          await page.click("main form[action$='/sign-out'] button.btn");
          await page.waitForURL((url) => url.pathname.endsWith("/sign-in"));
          const all = await kept(page);
          equal([all.private, all.queue], [[], []], "private pages, and what waits");
          way.set("cut");
          await page.goto(at("/cart"));
          equal(await page.locator(".lines > li").count(), 0, "lines of the cart");
          way.set("open");
        });
        await t.step(
          "signing out without a network is sent before anything else, and shows nobody until then",
          async () => {
            await signIn();
            await page.goto(at("/sign-out"));
            way.set("cut");
            await page.click("main form[action$='/sign-out'] button.btn");
            await until("the page for no network", async () => (await page.locator("h1").count()) === 1);
            await page.goto(at("/account"));
            assert(!(await page.content()).includes("buyer@bozor.test"), "the account is shown");
            way.asked.length = 0;
            way.set("open");
            await page.goto(at("/account"));
            assert(pathOf(page).endsWith("/sign-in"), `nobody is signed in, but ${page.url()}`);
            // The browser asks for a page ahead of its worker, which passes that answer over.
            const [left, asked] = ["POST", "GET"].map((method) =>
              way.asked.findLastIndex((line) => line.startsWith(method)),
            );
            assert(left >= 0 && asked > left, `signed out before the page is asked for: ${way.asked}`);
          },
        );
        await t.step(
          "a session that was ended elsewhere takes its pages along, and an old page is not shown",
          async () => {
            await signIn();
            await page.goto(at("/cart"));
            await hasKept(page, "private", path("/cart"));
            await who.context.clearCookies({ name: "session" });
            await page.goto(at("/account"));
            await until("no private page", async () => (await kept(page)).private.length === 0);
            await page.goto(at("/cart"));
            await hasKept(page, "private", path("/cart"));
            await page.evaluate(async () => {
              const name = (await caches.keys()).find((name) => name.startsWith("private"));
              const cache = await caches.open(name);
              const [key] = await cache.keys();
              const old = await cache.match(key);
              const headers = new Headers(old.headers);
              headers.set("bozor-seen", Date.now() - 8 * 86_400_000);
              await cache.put(key, new Response(await old.blob(), { headers }));
            });
            way.set("cut");
            await page.goto(at("/cart"));
            equal(await page.locator("main .queued, .lines").count(), 0, "a cart of a week ago");
            way.set("open");
          },
        );
      }
      await t.check("another version takes the caches of the one before away", async () => {
        await page.goto(at("/products"));
        await page.evaluate(() => caches.open("public-0"));
        await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).unregister());
        await page.goto(at("/products"));
        await until(
          "the old cache to go",
          async () => !(await page.evaluate(() => caches.keys())).includes("public-0"),
        );
      });
      await t.check("no page complained", () => who.hasNone());
    } finally {
      await who.close();
      way.close();
    }
  });
}

/** What another site's page sends goes past the worker, whose own requests look like ours. */
export async function foreignRoad() {
  await road("forms of another site, with the worker in charge", async (t) => {
    const way = await network();
    const evil = http.createServer((request, response) => {
      const [, policy, path] = request.url.split("!");
      response.setHeader("content-type", "text/html");
      response.setHeader("referrer-policy", policy);
      const fields = '<input name="do" value="add"><input name="variant" value="var_x"><input name="key" value="ab">';
      response.end(
        `<form method="post" action="${way.at}${path}">${fields}</form><script>document.forms[0].submit()</script>`,
      );
    });
    await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const who = await person();
    const { page } = who;
    t.page = page;
    try {
      await t.step("the worker is in charge", async () => {
        await page.goto(`${way.at}/en/p/${SOUGHT.handle}`);
        await until("the worker", () => page.evaluate(() => navigator.serviceWorker.controller !== null));
      });
      for (const policy of ["no-referrer", "unsafe-url"]) {
        for (const path of ["/en/cart", "/en/sign-in", "/en/sign-out", "/en/challenge", "/en/account/sessions"]) {
          await t.check(`${path} with ${policy} is refused`, async () => {
            const answer = page.waitForResponse((response) => response.request().method() === "POST");
            await page.goto(`http://127.0.0.1:${evil.address().port}/!${policy}!${path}`);
            equal((await answer).status(), 403, "the answer");
          });
        }
      }
      await t.check("nothing of theirs waits for a network", async () => {
        way.set("cut");
        await page.goto(`http://127.0.0.1:${evil.address().port}/!unsafe-url!/en/cart`).catch(() => {});
        await page.waitForTimeout(500);
        way.set("open");
        await page.goto(`${way.at}/en/products`);
        equal((await kept(page)).queue, [], "what waits");
      });
    } finally {
      await who.close();
      way.close();
      evil.close();
    }
  });
}

/** Which links a browser asks for before they are followed. */
export async function speculationRoad() {
  await road("links that are asked for before they are followed", async (t) => {
    const way = await network();
    const who = await person();
    const { page } = who;
    t.page = page;
    try {
      await t.step("the rules are loaded under the policy", async () => {
        const rules = page.waitForResponse((response) => response.url().endsWith("/speculation-rules.json"));
        await page.goto(`${way.at}/en/products`);
        equal((await rules).headers()["content-type"], "application/speculationrules+json", "the type of the rules");
      });
      await t.check("a product is asked for when it is pointed at, and nothing of one person's is", async () => {
        const asked = () => way.asked.filter((line) => line.startsWith("GET /en/p/"));
        equal(asked(), [], "what was asked for before");
        for (const link of ["header a[href$='/cart']", "header a[href$='/account']", "footer a[href='/desk']"]) {
          await page.hover(link);
          await page.waitForTimeout(400);
        }
        await page.hover(".card a");
        await until("the product", () => asked().length > 0);
        equal(way.asked.filter((line) => /\/(cart|account|desk)/.test(line)), [], "what is one person's");
      });
      await t.check("no page complained", () => who.hasNone());
    } finally {
      await who.close();
      way.close();
    }
  });
}

export default async function offline() {
  await offlineRoad("en");
  await offlineRoad("ru");
  await foreignRoad();
  await speculationRoad();
}

await alone(import.meta, offline);
