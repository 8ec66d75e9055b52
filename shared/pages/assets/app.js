// Makes pages quicker and forgiving where scripts run. Nothing needs it.
const drafts = sessionStorage;
const key = (form, field) => `draft ${location.pathname} ${form.getAttribute("action")} ${field.name}`;

// A form that has arrived is answered by leading to another page: then what was sent is no draft any more. Where the
// network has failed, one comes back to the form by oneself.
const [{ redirectCount } = {}] = performance.getEntriesByType("navigation");
if (redirectCount > 0) {
  for (const sent of JSON.parse(drafts.getItem("sent") ?? "[]")) drafts.removeItem(sent);
  drafts.removeItem("sent");
}

const hide = (form, name, value) => {
  const field = form.querySelector(`input[name=${name}]`) ?? document.createElement("input");
  [field.type, field.name, field.value] = ["hidden", name, value];
  form.append(field);
};

// A page that everybody gets alike holds no key, so what is put into the cart gets its own here: the same as long as the
// form says the same, so that it is added once, however often it is sent.
const keyed = (form) => {
  const { dataset } = form;
  const said = JSON.stringify([...new FormData(form)].filter(([name]) => name !== "key" && name !== "title"));
  if (dataset.said === said) return;
  dataset.said = said;
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  hide(form, "key", bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  hide(form, "title", document.querySelector("h1").textContent);
};

const main = document.querySelector("main");
const words = main?.dataset.offline?.split("|");
const cart = document.querySelector("header > a[href$='/cart']");

const note = (state, title) => {
  const said = document.createElement("p");
  said.className = `alert queued ${["wait", "", "bad", "bad"][state - 5]}`;
  said.setAttribute("role", "status");
  said.textContent = words[state].replace("{title}", () => title);
  return said;
};

// Pages that everybody gets alike do not know what is in the cart.
const count = () => {
  const [, items] = document.cookie.match(/(?:^|; )items=(\d+)/) ?? [];
  if (!cart || items === undefined) return;
  cart.querySelector("b")?.remove();
  const shown = document.createElement("b");
  shown.textContent = items;
  if (items > 0) cart.append(" ", shown);
};
count();

// What is put into the cart leaves the page where it is. Whatever else may come of it, the form shows by itself; its key
// keeps it from being added twice.
const put = async (form) => {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(8000) });
    if (!answer.url.endsWith("?added")) throw answer;
    form.querySelector(".queued")?.remove();
    const said = note(6, form.elements.title.value);
    const go = document.createElement("a");
    [go.href, go.textContent] = [cart.href, cart.firstElementChild.nextSibling.data];
    said.append(" ", go);
    form.append(said);
    button.disabled = false;
    delete form.dataset.sent;
    delete form.dataset.said;
    count();
  } catch {
    // The page may come back from the browser's memory as it was left.
    button.disabled = false;
    form.submit();
  }
};

// The price and the stock are those of the choice, which the address names too.
for (const choice of document.querySelectorAll("input[data-shows]")) {
  choice.addEventListener("change", () => {
    const [price, was, unit, kind, state] = choice.dataset.shows.split("|");
    const at = (selector) => document.querySelector(`.buy ${selector}`);
    at(".price").classList.toggle("sale", was !== "");
    at(".price span").textContent = price;
    const [old, units] = [at(".was"), at(".unit")];
    if (old) [old.hidden, old.lastChild.data] = [was === "", ` ${was}`];
    if (units) units.textContent = unit;
    const stock = at(".state");
    [stock.className, stock.textContent] = [`state ${kind}`, state];
    const url = new URL(location);
    url.searchParams.set("variant", choice.value);
    history.replaceState(history.state, "", url);
  });
}

// Pictures of a phone's camera are larger than a form may be: they are made smaller, and can still be read.
const MOST_PIXELS = 2000;
const small = async (file) => {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < 500_000) return file;
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width * scale, picture.height * scale];
  const drawn = canvas.getContext("2d");
  // What can be seen through has the ground of a page behind it, as JPEG has no such thing.
  drawn.fillStyle = "#fff";
  drawn.fillRect(0, 0, canvas.width, canvas.height);
  drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  if (!blob || blob.size >= file.size) return file;
  return new File([blob], file.name.replace(/\.\w+$/, ".jpg"), { type: blob.type });
};
for (const field of document.querySelectorAll("input[type=file][accept*=image]")) {
  field.addEventListener("change", async () => {
    const chosen = [...field.files];
    const button = field.form.querySelector("button");
    button.disabled = true;
    try {
      const files = new DataTransfer();
      for (const file of await Promise.all(chosen.map(small))) files.items.add(file);
      field.files = files.files;
    } catch {
      // It is sent as it is, and the shop says what is wrong with it.
    }
    button.disabled = false;
  });
}

// What was typed and not sent yet is there again after the network or the phone has failed.
for (const form of document.querySelectorAll("main form[method=post]")) {
  const fields = [...form.elements].filter(
    ({ name, type, autocomplete }) =>
      name && ["text", "tel", "email", "textarea"].includes(type) && autocomplete !== "one-time-code",
  );
  for (const field of fields) {
    const draft = drafts.getItem(key(form, field));
    // What the shop has filled in stays, but for the country's beginning of a telephone number.
    const isBlank = field.value === "" || (field.type === "tel" && draft?.startsWith(field.value.trim()));
    if (draft !== null && field.value === field.defaultValue && isBlank) field.value = draft;
    field.addEventListener("input", () => drafts.setItem(key(form, field), field.value));
  }
  form.addEventListener("submit", (event) => {
    // A second tap on a slow network sends nothing twice.
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    if (form.querySelector("input[name=do][value=add]")) {
      keyed(form);
      if (words) {
        event.preventDefault();
        put(form);
      }
    }
    if (form.action.endsWith("/sign-out")) drafts.clear();
    else drafts.setItem("sent", JSON.stringify(fields.map((field) => key(form, field))));
    setTimeout(() => delete form.dataset.sent, 8000);
  });
}

// A page that comes back from the browser's memory may be sent again.
addEventListener("pageshow", () => {
  count();
  for (const { dataset } of document.forms) {
    delete dataset.sent;
    delete dataset.said;
  }
});

// The first page is in the language that was chosen last.
for (const link of document.querySelectorAll("a[hreflang]")) {
  link.addEventListener("click", () => {
    const [, language] = new URL(link.href).pathname.split("/");
    document.cookie = `language=${language}; path=/; max-age=31536000; samesite=lax`;
  });
}

// What was seen is there without a network, and what is put into the cart waits for one: sw.js. Its news are told in the
// page's own words.
const worker = navigator.serviceWorker;
if (worker && words) {
  // A worker that was not there when the page came has not seen it, nor that somebody has signed out.
  let unseen = worker.controller ? "" : location.href;
  const isOut = location.pathname.endsWith("/sign-in") && new URLSearchParams(location.search).get("note") === "out";
  const ask = async () => {
    const { active } = await worker.ready;
    active.postMessage(unseen);
    unseen = "";
  };
  worker.addEventListener("message", ({ data }) => {
    for (const old of main.querySelectorAll(":scope > .queued")) old.remove();
    for (const [state, title] of data) main.prepend(note(state, title));
  });
  const forget = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => /^(private|queue)/.test(name)).map((name) => caches.delete(name)));
  };
  Promise.resolve(isOut && forget())
    .then(() => worker.register("/sw.js", { updateViaCache: "none" }))
    .then(ask)
    .catch(() => {});
  addEventListener("online", ask);
}
